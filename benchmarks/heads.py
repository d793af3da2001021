"""A picture of the simulator's heads: 24 training heads beside a real one, with the contents of each.

    python benchmarks/heads.py ANATOMIES [--real SCAN]
    python benchmarks/heads.py ANATOMIES [--real SCAN] --variety widened --count 12 -o FILE

draws heads from anatomies 01 to 08 in turn, as the training does. The seeds are chosen so that every variant (a kind of
metal, calcium at a place, motion...) occurs, so rare ones are more frequent than in training. Each head is shown as an
axial plane (through its metal, if there is some) in a brain window, its midsagittal plane, and the axial plane in a
bone window. It prints what each holds, the CPU-seconds it took, and percentiles of the bone in its vault (over 300 HU).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle")]

from scripts.assets import asset
from scripts.processes.memory import keep_large_blocks
from scripts.reading.inputs import read_volume
from scripts.registration.register import register
from scripts.registration.transforms import load_reference
from scripts.simulation.anatomy.label_map import load_anatomy
from scripts.simulation.person.head import BUILD_STREAM, LOOK_STREAM, stream
from scripts.simulation.person.look import CALCIUM_SHARES, Look, draw_look
from scripts.simulation.person.varieties import PLAIN, VARIETIES
from scripts.simulation.person.variety import Build, draw_build
from scripts.simulation.registered_head import PROTOCOL_STREAM, draw_training_head, in_reference_space
from scripts.simulation.scanner.protocol import METALS, Protocol, draw_protocol
from scripts.simulation.scanner.scan import PADDING_HU, Scan

Head = NDArray[np.int16]

COUNT, COLUMNS = 24, 5
TRAINING = tuple(f"head_{number:02d}.nii.gz" for number in range(1, 9))
BRAIN_HU, BONE_HU = (-20.0, 100.0), (0.0, 1800.0)
LEVEL, MIDDLE = 144, 127
"""Axial plane (basal ganglia) and midsagittal plane, voxels of the reference grid."""

METAL_HU, FEWEST_METAL = 2900, 3
SIDE, LINE, GAP, GREYS = 148, 12, 6, 48
"""Side of a panel, height of a line of text, space between heads (pixels); grey levels kept."""


def variants(look: Look, protocol: Protocol) -> set[str]:
    """Words for what a head and its scan hold that not all do."""
    words = {f"calcified {place}" for place in look.calcified}
    chosen = {
        "contrast": look.contrast_hu > 0,
        "wide ventricles": look.ventricles > 0,
        "wide sulci": look.sulci > 0,
        "motion": protocol.motion_mm > 0,
        "ghost": protocol.ghost > 0,
        "two spacings": protocol.change_mm is not None,
        "bar": protocol.band_hu > 0,
        "tilt": protocol.tilt_deg != 0,
        f"{protocol.metal}": protocol.metal is not None,
    }
    return words | {word for word, true in chosen.items() if true}


ALL = {f"calcified {place}" for place in CALCIUM_SHARES} | set(METALS)
ALL |= {"contrast", "wide ventricles", "wide sulci", "motion", "ghost", "two spacings", "bar", "tilt"}

BUILDS = {
    "widened": {"swelling", "frontal fluid", "temporal fluid", "one ventricle", "halo", "thick", "thin", "metopic"},
    "unusual": {"craniectomy", "burr holes", "child"},
}
"""Variants that a picture of another population than the plain one has to show."""


def drawn(seed: int) -> tuple[Look, Protocol]:
    """Look and protocol of the head with this seed, before anything is drawn."""
    return draw_look(stream(seed, LOOK_STREAM)), draw_protocol(stream(seed, PROTOCOL_STREAM))


def build_variants(build: Build) -> set[str]:
    """Words for the variants of a head's build."""
    chosen = {
        "swelling": build.scalp.swelling_mm > 8,
        "frontal fluid": max(build.fluid.frontal_mm) > 4,
        "temporal fluid": max(build.fluid.temporal_mm) > 3,
        "one ventricle": any(build.fluid.ventricles),
        "halo": build.drift.halo_hu > 4,
        "thick": build.thickness.mean > 1.35,
        "thin": build.thickness.mean < 0.8,
        "metopic": "metopic" in build.sutures.names,
        "craniectomy": flap(build),
        "burr holes": build.surgery is not None and bool(build.surgery.holes),
        "child": build.child is not None,
    }
    return {word for word, true in chosen.items() if true}


def found(seed: int, variety: str) -> set[str]:
    """The variants of the head with this seed that a picture of its population should show."""
    build = draw_build(variety, stream(seed, BUILD_STREAM))
    return variants(*drawn(seed)) if build is None else build_variants(build) & BUILDS[variety]


def chosen_seeds(count: int, variety: str = PLAIN) -> list[int]:
    """Every seed from 0 on that adds a variant to those before it, until none is missing, and the smallest others."""
    missing, chosen, seed = set(BUILDS.get(variety, ALL)), [], 0
    while missing:
        if new := missing & found(seed, variety):
            chosen.append(seed)
            missing -= new
        seed += 1
    others = [seed for seed in range(count) if seed not in chosen]
    return sorted(chosen + others[: count - len(chosen)])


def caption(look: Look, protocol: Protocol) -> str:
    """The contents of a head and its scan, in words and numbers."""
    slices = f"{protocol.thickness_mm:g} mm"
    if protocol.increment_mm != protocol.thickness_mm:
        slices += f" every {protocol.increment_mm:g}"
    words = [slices + (f", x{protocol.thicker:g} above" if protocol.change_mm is not None else "")]
    words += [f"tilt {protocol.tilt_deg:.0f}"] if protocol.tilt_deg else []
    words += [f"contrast {look.contrast_hu:.0f} HU"] if look.contrast_hu else []
    words += ["calcium: " + ", ".join(look.calcified)] if look.calcified else []
    words += [f"ventricles +{look.ventricles}, sulci {look.sulci:.0%}"] if look.sulci else []
    words += [f"motion {protocol.motion_mm:.1f} mm"] if protocol.motion_mm else []
    words += [f"ghost {protocol.ghost:.1f}"] if protocol.ghost else []
    words += [protocol.metal] if protocol.metal else []
    words += [f"bar {protocol.band_hu:.0f}"] if protocol.band_hu else []
    return "; ".join([*words, f"rim {protocol.rim_hu:.0f}, cupping {protocol.cupping_hu:.0f}"])


def build_caption(build: Build) -> str:
    """The build of a head in words and numbers; what it lacks is left out."""
    skew, scalp, fluid, surgery = build.skew, build.scalp, build.fluid, build.surgery
    words = [f"shear {skew.shear:+.2f}, torque {skew.torque_mm:+.1f}, noise {skew.noise_mm:.1f} mm"]
    words += [f"bone x{build.thickness.mean:.2f}"]
    words += [f"swelling {scalp.swelling_mm:.0f} mm, {scalp.swelling_hu:.0f} HU"] if scalp.swelling_mm else []
    for name, widths in (("frontal", fluid.frontal_mm), ("temporal", fluid.temporal_mm)):
        words += [f"{name} fluid {widths[0]:.0f}/{widths[1]:.0f} mm"] if any(widths) else []
    words += [f"ventricles +{fluid.ventricles[0]}/{fluid.ventricles[1]}"] if any(fluid.ventricles) else []
    words += [f"halo {build.drift.halo_hu:.0f}"] if build.drift.halo_hu else []
    words += [f"sutures {build.sutures.width_mm:.1f} mm"]
    words += ["metopic"] if "metopic" in build.sutures.names else []
    words += [f"{build.child.age:.0f} years"] if build.child else []
    words += [f"flap {surgery.flap_deg[0]:.0f} deg, bulge {surgery.bulge_mm:+.0f} mm"] if flap(build) else []
    words += [f"{len(surgery.holes)} burr holes"] if surgery and surgery.holes else []
    return "; ".join(words)


def flap(build: Build) -> bool:
    """Whether a flap of the calvaria is missing."""
    return build.surgery is not None and any(build.surgery.flap_deg)


def words_of(seed: int, variety: str) -> str:
    """The caption of the head with this seed."""
    build = draw_build(variety, stream(seed, BUILD_STREAM))
    return caption(*drawn(seed)) if build is None else build_caption(build)


def real_head(folder: Path) -> Head:
    """A real scan as the pipeline registers it, on the reference grid."""
    scan = read_volume(folder)
    reference = load_reference(asset("models/reference.nii.gz"), asset("models/reference_masks.nii.gz"))
    pose = register(scan.with_unknown(), scan.affine, reference).matrix
    hu = np.rint(scan.hu).astype(np.int16)
    if scan.valid is not None:
        hu[~scan.valid] = PADDING_HU
    return in_reference_space(Scan(hu, scan.affine), pose)


def bone_percentiles(head: Head) -> list[int]:
    """The 25th, 50th, 75th, 90th and 99th percentile of HU above 300 in the upper half of the skull."""
    vault = head[:, :, 140:230]
    return [int(value) for value in np.percentile(vault[vault > 300], (25, 50, 75, 90, 99))]


def panels(head: Head) -> list[Image.Image]:
    """Axial plane in the brain window, midsagittal plane, axial plane in the bone window; right on the left."""
    metal = np.count_nonzero(head > METAL_HU, axis=(0, 1))
    axial = head[:, :, int(metal.argmax()) if metal.max() >= FEWEST_METAL else LEVEL][::-1, ::-1].T
    sagittal = head[MIDDLE, :, ::-1].T
    return [_panel(axial, BRAIN_HU), _panel(sagittal, BRAIN_HU), _panel(axial, BONE_HU)]


def _panel(plane: Head, window_hu: tuple[float, float]) -> Image.Image:
    share = np.clip((plane[8:248, 8:248] - window_hu[0]) / (window_hu[1] - window_hu[0]), 0, 1)
    levels = np.rint(share * 255).astype(np.uint8)
    small = np.asarray(Image.fromarray(levels).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    return Image.fromarray((np.rint(small / 255 * (GREYS - 1)) * (255 / (GREYS - 1))).astype(np.uint8))


def sheet(heads: list[tuple[list[Image.Image], str]]) -> Image.Image:
    """All heads in rows of five, the panels of each over its caption of two lines."""
    width, height = 3 * SIDE + GAP, SIDE + 2 * LINE + GAP
    page = Image.new("L", (COLUMNS * width, -(-len(heads) // COLUMNS) * height), 12)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(10)
    for n, (images, text) in enumerate(heads):
        left, top = n % COLUMNS * width, n // COLUMNS * height
        for column, image in enumerate(images):
            page.paste(image, (left + column * SIDE, top))
        for line, words in enumerate(_two_lines(text, font)):
            draw.text((left + 2, top + SIDE + line * LINE), words, fill=220, font=font)
    return page


def _two_lines(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """The text in two lines; a rest that does not fit into the second is cut."""
    words, first = text.split(" "), ""
    while words and font.getlength(f"{first} {words[0]}") < 3 * SIDE - 4:
        first = f"{first} {words.pop(0)}".strip()
    return [first, " ".join(words)]


def main() -> None:
    """Draw the heads, print the table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("anatomies", type=Path, help="folder with head_01.nii.gz to head_08.nii.gz")
    parser.add_argument("--real", type=Path, help="a real head CT to show first")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "images" / "simulated_heads.png")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--variety", choices=VARIETIES, default=PLAIN, help="the population that is drawn (plain)")
    args = parser.parse_args()
    keep_large_blocks()
    shown = []
    if args.real is not None:
        head = real_head(args.real)
        print(f"| real | {args.real.name} | | {bone_percentiles(head)} |", flush=True)
        shown.append((panels(head), f"A REAL HEAD, registered: {args.real.name}"))
    for n, seed in enumerate(chosen_seeds(args.count, args.variety)):
        name = TRAINING[n % len(TRAINING)]
        anatomy = load_anatomy(args.anatomies / name)
        started = time.process_time()
        head = draw_training_head(anatomy, seed, variety=args.variety)
        seconds = time.process_time() - started
        text = f"{name.split('.')[0]}, seed {seed}: {words_of(seed, args.variety)}"
        print(f"| {text} | {seconds:.1f} | {bone_percentiles(head)} |", flush=True)
        shown.append((panels(head), text))
    sheet(shown).save(args.output, optimize=True)
    print(f"{args.output}: {args.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
