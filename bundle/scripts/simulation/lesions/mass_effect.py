"""Mass effect: a lesion displaces the brain smoothly within the skull, which itself does not move.

Brain is nearly incompressible and fluid gives way. The displacement is u = -K grad(phi) with

    div(K grad(phi)) = -rho    inside of the skull,    no flow through it,

where rho is the space that the lesion takes (positive) and that fluid gives up (negative), per volume. Fluid in the
place of the lesion is gone. Elsewhere it shrinks, the lateral ventricle beside the lesion `OWN_WEIGHT` times and the
other half of the head `FAR_WEIGHT` times as easily as the rest, nowhere by more than `MOST_SHRUNK`; the brain gives
what is missing evenly. K is 1, and small across falx and tentorium, so that the brain moves beneath the falx. The
equation is solved on a coarse lattice; each voxel then shows what lay at its place minus u, the nearest voxel, so that
HU and labels stay as sharp as they were. A lesion that shrinks (rho negative) pulls.

The *midline shift* is u at the septum, mm, across the mid-plane and away from the lesion. A lesion in the middle has
no far half, and both lateral ventricles lie beside it. Haemorrhages of 25-80 ml
shift the septum by 3-10 mm (Ropper, N Engl J Med 314, 1986); beyond `LARGEST_SHIFT_MM` the lesion takes less space.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import cg

from ..anatomy.braincase import MIDDLE, Array, Braincase, Mask, block_around, labelled
from ..anatomy.labels import CSF, FALX, LEFT_INNER_VENTRICLES, RIGHT_INNER_VENTRICLES, TENTORIUM, VENTRICLES
from .growth import Volume

LATTICE_MM = 4.0
"""Distance between the points of the coarse lattice."""

LEAST_INSIDE = 0.3
"""A lattice cell takes part if at least this share of it is inside of the skull."""

DURA_FLOW = 0.03
"""K across falx and tentorium."""

DURA_SHARE = 0.2
"""Share of a cell from which on it counts as falx or tentorium."""

OWN_WEIGHT = 6.0
"""The lateral ventricle on the side of the lesion gives way this many times more easily than other fluid."""

FAR_WEIGHT = 4.0
"""So does fluid on the other side; what lies beside the lesion is cut off from where fluid can go."""

MOST_SHRUNK = 0.9
"""The largest share of itself that fluid gives up."""

LOWEST_MM = -75.0
"""Nothing moves that is farther below the centre of the brain: the spinal canal."""

SMOOTHING_CELLS = 0.8
"""Standard deviation of the smoothing of the displacement, in lattice cells."""

SEPTUM_MM = 10.0
"""Cells this close to the septum tell the midline shift."""

LARGEST_SHIFT_MM = 12.0
"""No lesion shifts the midline by more."""

SHARES_TRIED = (1.0, 0.7, 0.4)
"""A voxel whose source would lie in bone takes less of its displacement."""

INNER_VENTRICLES = {
    "left": LEFT_INNER_VENTRICLES,
    "right": RIGHT_INNER_VENTRICLES,
    MIDDLE: (*LEFT_INNER_VENTRICLES, *RIGHT_INNER_VENTRICLES),
}
"""The lateral ventricles beside a lesion on a side."""

Moved = tuple[Volume, NDArray[np.int16], NDArray[np.uint8], float]


def push(
    hu: Volume,
    case: Braincase,
    side: str,
    box: tuple[slice, ...],
    takes: NDArray[np.floating[Any]],
    mask: NDArray[np.uint8] | None = None,
) -> Moved:
    """A head whose brain gave way.

    Args:
        hu: the head (I, J, K).
        case: the head's labels.
        side: "left", "right" or "middle", where the lesion is.
        box: the block of the grid that holds the lesion.
        takes: the space (i, j, k) that each voxel of the block takes, as a share of its volume; negative where it
            shrinks.
        mask: a mask (I, J, K) that moves along with the tissue; if not given, an empty one is returned.

    Returns:
        HU, labels and mask (I, J, K) after the push, and the midline shift in mm; the very same arrays where nothing
        takes space.
    """
    labels = np.asarray(case.labels, dtype=np.int16)
    mask = np.zeros(hu.shape, dtype=np.uint8) if mask is None else mask
    if not takes.any():
        return hu, labels, mask, 0.0
    block = block_around(case.intracranial, 0)
    step = np.maximum(np.rint(LATTICE_MM / case.spacing_mm).astype(int), 1)
    space = np.zeros(labels.shape, dtype=np.float32)
    space[box] = takes * ~labelled(labels[box], (CSF, *VENTRICLES))
    inside = _coarse(case.intracranial[block], step)
    displacement = _displacement(case, side, block, step, inside, _coarse(space[block], step))
    shift_mm = _midline_mm(case, side, block, step, inside, displacement)
    if abs(shift_mm) > LARGEST_SHIFT_MM:
        displacement *= LARGEST_SHIFT_MM / abs(shift_mm)
        shift_mm = float(np.sign(shift_mm)) * LARGEST_SHIFT_MM
    source, place = _source(case, block, step, displacement)
    return (
        _gathered(hu, block, source, place),
        _gathered(labels, block, source, place),
        _gathered(mask, block, source, place),
        shift_mm,
    )


def _gathered(volume: Any, block: tuple[slice, ...], source: NDArray[np.int64], place: NDArray[np.int64]) -> Any:
    """A copy of a volume whose voxels `place` of the block show its voxels `source`."""
    moved, flat = volume.copy(), volume[block].reshape(-1)
    inner = flat.copy()
    inner[place] = flat[source]
    moved[block] = inner.reshape(moved[block].shape)
    return moved


def _coarse(fine: NDArray[np.generic], step: NDArray[np.int64]) -> Array:
    """Means (a, b, c) over cells of `step` voxels; beyond the end there are zeros."""
    padded = np.pad(fine.astype(np.float32), [(0, -size % s) for size, s in zip(fine.shape, step, strict=True)])
    a, b, c = (size // s for size, s in zip(padded.shape, step, strict=True))
    cells = padded.reshape(a, step[0], b, step[1], c, step[2])
    return np.asarray(cells.mean(axis=(1, 3, 5)), dtype=np.float64)


def _cell_offsets_mm(
    case: Braincase, block: tuple[slice, ...], step: NDArray[np.int64], shape: tuple[int, ...]
) -> Array:
    """Grid millimetres (a, b, c, 3) from the centre of the brain of the middles of the cells."""
    axes = [
        (side.start + (np.arange(count) + 0.5) * s - 0.5) * mm - centre
        for side, count, s, mm, centre in zip(block, shape, step, case.spacing_mm, case.centre_mm, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _displacement(
    case: Braincase, side: str, block: tuple[slice, ...], step: NDArray[np.int64], inside: Array, space: Array
) -> Array:
    """The displacement (3, a, b, c) of the cells, mm."""
    labels = case.labels[block]
    above = _cell_offsets_mm(case, block, step, inside.shape)[..., 2] > LOWEST_MM
    active = _largest((inside > LEAST_INSIDE) & above)
    open_share = np.where(active, inside, 0)
    dura = _coarse(labelled(labels, (FALX, TENTORIUM)), step) > DURA_SHARE
    own = labelled(labels, INNER_VENTRICLES[side])
    far = (side != MIDDLE) & (case.lateral_mm(_cell_offsets_mm(case, block, step, inside.shape), side) < 0)
    fluid = labelled(labels, (CSF, *VENTRICLES)) + (OWN_WEIGHT - 1) * own
    weight = _coarse(fluid, step) * np.where(far, FAR_WEIGHT, 1) * active * (space == 0)
    shrunk = weight * (float(space.sum()) / max(float(weight.sum()), 1e-9))
    rho = space * active - np.clip(shrunk, -MOST_SHRUNK, MOST_SHRUNK)
    rho -= open_share * (rho.sum() / open_share.sum())
    flows = _flows(rho, open_share, np.where(dura, DURA_FLOW, 1.0), step * case.spacing_mm)
    near = np.maximum(ndimage.gaussian_filter(active.astype(float), SMOOTHING_CELLS), 0.05)
    return np.stack([ndimage.gaussian_filter(flow, SMOOTHING_CELLS) / near for flow in flows])


def _largest(active: Mask) -> Mask:
    """The largest connected piece."""
    pieces, _ = ndimage.label(active)
    largest: Mask = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    return largest


def _flows(rho: Array, open_share: Array, ease: Array, cell_mm: Array) -> list[Array]:
    """Displacements (a, b, c) along the three axes, mm, of cells that give off `rho` and whose K is `ease`."""
    number = np.full(rho.shape, -1)
    number[open_share > 0] = np.arange((open_share > 0).sum())
    faces = [_faces(axis, number, open_share, ease) for axis in range(3)]
    first, second = (np.concatenate([face[end] for face in faces]) for end in (0, 1))
    flow = np.concatenate([face[2] * face[3] / mm**2 for face, mm in zip(faces, cell_mm, strict=True)])
    size = int(number.max()) + 1
    graph = sparse.coo_array((flow, (first, second)), shape=(size, size))
    weights = (graph + graph.T).tocsr()
    total = np.maximum(weights.sum(axis=1), 1e-12)
    system = sparse.diags_array(total) - weights
    phi = cg(system, rho[number >= 0], rtol=1e-3, maxiter=1000, M=sparse.diags_array(1 / total))[0]
    flows = []
    for (a, b, _, easy), mm in zip(faces, cell_mm, strict=True):
        moved = 0.5 * easy * (phi[a] - phi[b]) / mm
        cells = np.bincount(a, moved, size) + np.bincount(b, moved, size)
        flows.append(np.zeros(rho.shape))
        flows[-1][number >= 0] = cells
    return flows


def _faces(
    axis: int, number: NDArray[np.int64], open_share: Array, ease: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, Array]:
    """Numbers of the two cells at each face across an axis, the open share of the face, and its K."""
    low, high = [slice(None)] * 3, [slice(None)] * 3
    low[axis], high[axis] = slice(None, -1), slice(1, None)
    one, other = tuple(low), tuple(high)
    both = (number[one] >= 0) & (number[other] >= 0)
    share = np.minimum(open_share[one], open_share[other])[both]
    return number[one][both], number[other][both], share, np.minimum(ease[one], ease[other])[both]


def _midline_mm(
    case: Braincase, side: str, block: tuple[slice, ...], step: NDArray[np.int64], inside: Array, displacement: Array
) -> float:
    """The displacement at the septum across the mid-plane, positive away from `side`; to the right for the middle."""
    offsets = _cell_offsets_mm(case, block, step, inside.shape)
    near = (np.linalg.norm(offsets - case.septum_mm, axis=-1) < SEPTUM_MM) & (inside > LEAST_INSIDE)
    toward = case.lateral_mm(np.eye(3), side) - case.lateral_mm(np.zeros((1, 3)), side)
    return float(-(toward @ displacement[:, near]).mean()) if near.any() else 0.0


def _source(
    case: Braincase, block: tuple[slice, ...], step: NDArray[np.int64], displacement: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat indices within the block: of the voxels that each moved voxel shows, and of the moved voxels."""
    import torch

    inside = case.intracranial[block]
    fine = [cells * int(s) for cells, s in zip(displacement.shape[1:], step, strict=True)]
    grown = torch.nn.functional.interpolate(
        torch.from_numpy(displacement.astype(np.float32))[None], size=fine, mode="trilinear", align_corners=False
    )[0].numpy()
    place = np.flatnonzero(inside)
    source = place.copy()
    for part in SHARES_TRIED:  # the next one for those whose source lies in bone
        left = np.flatnonzero(source == place)
        found = _voxels_at(place[left], grown, inside.shape, part / case.spacing_mm)
        source[left] = np.where(inside.reshape(-1)[found], found, place[left])
    return source, place


def _voxels_at(place: NDArray[np.int64], grown: Volume, shape: tuple[int, ...], scale: Array) -> NDArray[np.int64]:
    """Flat indices (n,) of the voxels nearest to the voxels `place` minus their displacement, scaled by axis."""
    source = np.zeros_like(place)
    index = np.unravel_index(place, shape)
    for axis, (at, size) in enumerate(zip(index, shape, strict=True)):
        nearest = np.rint(at - grown[axis][index] * scale[axis]).astype(np.int64)
        source = source * size + np.clip(nearest, 0, size - 1)
    return source
