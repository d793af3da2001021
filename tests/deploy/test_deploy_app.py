"""The application for MONAI Deploy, run on the CPU as its README says: it gives what `monai.bundle run` gives.

`make test-deploy` makes the environment that it needs, which is too large for `make test`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from planted import BLEED_MM, RADIUS_MM, write_planted
from tilted_head import write_tilted

from scripts.geometry.affines import is_sheared
from scripts.results.record import verify

ROOT = Path(__file__).resolve().parents[2]
APP, BUNDLE = ROOT / "apps" / "deploy", ROOT / "bundle"
STRIDE = 4
LARGEST_DIFFERENCE = 0.01 + 1e-5
"""Both heatmaps are rounded to a hundredth, perhaps not to the same one."""

ALONG_MM = 10.0
"""The map is made of cubes of 10 mm and more, and so may peak as far beside a bleed."""

STACK_BYTES = 32768 * 1024
"""Stack that holoscan wants for each of its threads (`ulimit -s 32768`)."""

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("holoscan") is None, reason="monai-deploy-app-sdk is not here: make test-deploy"
    ),
    pytest.mark.filterwarnings("default"),  # the SDK's own
]


def app(*words: str, **overrides: Any) -> subprocess.CompletedProcess[str]:
    """Run the application with these arguments; more words come from tests, values of the config by name."""

    def larger_stack() -> None:
        resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, resource.getrlimit(resource.RLIMIT_STACK)[1]))

    environment = {"HEAD_CT_ANOMALY_OVERRIDES": json.dumps({"stride": STRIDE, **overrides}), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, str(APP), *words],
        env={**os.environ, **environment},
        preexec_fn=larger_stack,
        capture_output=True,
        text=True,
        timeout=900,
    )


def by_monai(scan: Path, output: Path) -> None:
    config = str(BUNDLE / "configs" / "inference.json")
    words = ["--bundle_root", str(BUNDLE), "--dataset_dir", str(scan), "--output_dir", str(output)]
    subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", config, *words, "--stride", str(STRIDE)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("side", "order", "kind", "higher"), [("left", "LPS", "nifti", "left"), ("right", "PLI", "dicom", "right")]
)
def test_heatmap_and_scores_are_those_of_monai_bundle(
    side: str, order: str, kind: str, higher: str, tmp_path: Path
) -> None:
    scan, _ = write_planted(tmp_path / "in", side, order, kind)
    source = scan.parent if kind == "nifti" else scan
    done = app("-i", str(source), "-m", str(BUNDLE), "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr[-4000:]
    by_monai(scan, tmp_path / "expected")
    result, expected = verify(tmp_path / "out" / "anomaly"), verify(tmp_path / "expected")
    assert result["scores"] == expected["scores"]
    scores = result["scores"]
    assert max(scores, key=lambda name: scores[name]) == f"{higher}_hemisphere"
    logged = ", ".join(f"{name} {value:.2f}" for name, value in scores.items())
    assert f"scores: {logged}" in done.stderr + done.stdout
    maps: list[Any] = [nib.load(f / "heatmap.nii.gz") for f in (tmp_path / "out" / "anomaly", tmp_path / "expected")]
    first, second = (np.asarray(image.dataobj) for image in maps)
    assert first.dtype == np.float32
    assert first.max() > 1
    assert np.unique(first).size > 1000, "no whole numbers"
    np.testing.assert_allclose(first, second, atol=LARGEST_DIFFERENCE, rtol=0)
    np.testing.assert_array_equal(maps[0].affine, maps[1].affine)


def test_the_operator_hands_on_the_map_that_it_wrote_on_an_orthogonal_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(APP)
    from monai.deploy.core import Application

    from operators import PositionAnomalyOperator

    scan = write_tilted(tmp_path / "in", "left")
    values = {"stride": STRIDE, "device": "cpu"}
    operator = PositionAnomalyOperator(
        Application(), bundle=BUNDLE, output=tmp_path / "anomaly", overrides=values, name="anomaly"
    )
    heatmap, result = operator.run(scan)
    assert result["grid"]["kind"] == "resampled", "of a tilted scan"
    written: Any = nib.load(tmp_path / "anomaly" / "heatmap.nii.gz")
    affine = heatmap.metadata()["affine"]
    assert heatmap.asnumpy().dtype == np.float32
    np.testing.assert_allclose(heatmap.asnumpy(), np.asarray(written.dataobj), atol=LARGEST_DIFFERENCE, rtol=0)
    np.testing.assert_allclose(affine, written.affine, atol=1e-6)
    assert not is_sheared(affine)
    peak = affine @ [*np.unravel_index(heatmap.asnumpy().argmax(), heatmap.asnumpy().shape), 1]
    assert np.linalg.norm(peak[:3] - np.array(BLEED_MM) * [-1, 1, 1]) < RADIUS_MM + ALONG_MM, "the bleed on the left"
    assert result == json.loads((tmp_path / "anomaly" / "result.json").read_text())


def test_what_can_t_be_judged_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    done = app("-i", str(tmp_path / "in"), "-m", str(BUNDLE), "-o", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The folder holds no file. Give the folder")
    assert not (tmp_path / "out" / "anomaly").exists()


def test_wrong_settings_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(APP)
    import app as application

    assert application.bundle_root(BUNDLE) == application.bundle_root(ROOT) == BUNDLE
    with pytest.raises(ValueError, match=r"0 bundles are in .*Give the folder of one with -m"):
        application.bundle_root(tmp_path)
    assert application.overrides(BUNDLE, '{"stride": 4}') == {"stride": 4}
    with pytest.raises(ValueError, match=r"must be an object with ids of inference\.json, got \{\"strid\": 4\}"):
        application.overrides(BUNDLE, '{"strid": 4}')
    with pytest.raises(ValueError, match="HEAD_CT_ANOMALY_OVERRIDES is no JSON"):
        application.overrides(BUNDLE, "stride=4")
