"""The application for MONAI Label, served as its README says: over HTTP it gives what `monai.bundle run` gives.

`make test-label` makes the environment that it needs, which is too large for `make test`. The scans are asked for with
the client that 3D Slicer's plugin uses.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import itk
import nibabel as nib
import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from monailabel.client import MONAILabelClient
from orthanc import running
from pacs_nodes import free_port
from planted import write_planted
from tilted_head import write_tilted

from scripts.anomaly.scores import MAPS
from scripts.files.nifti import nifti_bytes
from scripts.geometry.affines import is_sheared
from scripts.preprocessing.regions import REGIONS
from scripts.reading.inputs import inspect_input
from scripts.results.record import verify

ROOT = Path(__file__).resolve().parents[2]
APP, BUNDLE, SAMPLE = ROOT / "apps" / "label", ROOT / "bundle", ROOT / "sample"
STOCK = Path(sys.prefix) / "monailabel" / "sample-apps" / "monaibundle"
"""MONAI Label's sample application for bundles."""

NAME = "head_ct_position_anomaly"
MASK, REPORT = f"{NAME}_mask", f"{NAME}_report"
STRIDE = 4
MAPS_OFFERED = ("calibrated", "position", "asymmetry", "density", "density_one_sided", "error")
LARGEST_DIFFERENCE = 0.005 + 1e-5
"""The bundle's own run rounds its heatmap to a hundredth; the sample application of MONAI Label does not."""

LONGEST_S = 1800
"""A run takes half a minute on two idle cores."""

SLICER = {"result_extension": ".nrrd", "result_dtype": "uint8", "result_compress": False}
"""What 3D Slicer and OHIF ask for."""

NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there."""

pytestmark = pytest.mark.filterwarnings("default")  # those of MONAI Label's parts


@contextmanager
def served(folder: Path, *words: str, studies: str = "") -> Iterator[str]:
    """The address of a server whose log and, if they are not elsewhere, studies are in `folder`.

    `words` are more arguments of `start_server`. It finds no program of the environment by the PATH, and no network.
    """
    address = f"http://127.0.0.1:{(port := free_port())}"
    with (folder / "log").open("w") as log:
        command = [sys.executable, str(APP / "start.py"), "--studies", studies or str(folder / "studies")]
        variables = {"CUDA_VISIBLE_DEVICES": "", "PATH": os.defpath, "https_proxy": NOWHERE}
        variables |= {"MONAI_LABEL_DICOMWEB_CACHE_PATH": str(folder)}
        server = subprocess.Popen(
            [*command, "--port", str(port), *words], env={**os.environ, **variables}, stdout=log, stderr=log
        )
    try:
        until = time.monotonic() + 300
        while not answers(address):
            assert server.poll() is None, (folder / "log").read_text()[-4000:]
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(1)
        yield address
    finally:
        server.terminate()
        server.wait(60)


def answers(address: str) -> bool:
    """Whether a server is up."""
    try:
        return requests.get(f"{address}/info/", timeout=30).ok
    except requests.ConnectionError:
        return False


def by_monai(scan: Path, output: Path, *more: str) -> dict[str, Any]:
    """Write what `monai.bundle run` makes of a scan; its result."""
    config = str(BUNDLE / "configs" / "inference.json")
    words = ["--bundle_root", str(BUNDLE), "--dataset_dir", str(scan), "--output_dir", str(output)]
    subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", config, *words, "--stride", str(STRIDE), *more],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        check=True,
        capture_output=True,
    )
    result: dict[str, Any] = verify(output)
    return result


def load(path: str | Path) -> tuple[Any, Any]:
    """Voxels and affine of a NIfTI file."""
    image: Any = nib.load(path)
    return np.asarray(image.dataobj), image.affine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the server: `studies` and `log`; and what it is compared with."""
    return tmp_path_factory.mktemp("label")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[MONAILabelClient]:
    """The client of a server with the application."""
    with served(folder) as address:
        yield MONAILabelClient(address, tmpdir=str(folder))


@pytest.fixture(scope="module")
def left(folder: Path) -> Path:
    """A head with a bleed on the left; beside it `expected`, what `monai.bundle run` makes of it."""
    scan, _ = write_planted(folder / "left", "left", "LPS", "nifti")
    by_monai(scan, scan.parent / "expected")
    return scan


@pytest.fixture(scope="module")
def right(folder: Path) -> Path:
    """A tilted series of a head with a bleed on the right; beside it `expected`, with the DICOM objects."""
    scan = write_tilted(folder / "right" / "in", "right")
    by_monai(scan, scan.parent / "expected", "--dicom", "true")
    return scan


def infer(client: MONAILabelClient, model: str, image: str, params: dict[str, Any], **more: Any) -> tuple[str, Any]:
    """The file and the parameters of an answer."""
    answer: tuple[str, Any] = client.infer(model, image, {"stride": STRIDE, **params}, **more)
    return answer


def test_what_is_offered(client: MONAILabelClient) -> None:
    info = client.info()
    kinds = {NAME: "others", MASK: "segmentation", REPORT: "others"}
    assert {name: model["type"] for name, model in info["models"].items()} == kinds
    assert info["models"][MASK]["labels"] == {"left hemisphere": 1, "right hemisphere": 2, "skull": 3}
    common = {"device": ["cpu"], "stride": [2, 4, 1], "alpha": [0.05, 0.01, 0.02, 0.1, 0.2]}
    assert info["models"][NAME]["config"] == {**common, "map": list(MAPS_OFFERED)}
    assert info["models"][MASK]["config"] == info["models"][REPORT]["config"] == common
    assert set(MAPS_OFFERED) == set(MAPS)
    assert info["trainers"] == {}, "it learns from healthy heads only"


def test_heatmap_and_scores_are_those_of_monai_bundle(client: MONAILabelClient, left: Path) -> None:
    expected = verify(left.parent / "expected")
    client.upload_image(str(left), "left")
    file, params = infer(client, NAME, "left", {})
    assert max(params["scores"], key=params["scores"].get) == "left_hemisphere"
    for same in ("scores", "score_details", "detections", "findings", "grid"):
        assert params[same] == expected[same]
    heatmap, affine = load(file)
    expected_map, its_affine = load(left.parent / "expected" / "heatmap.nii.gz")
    assert heatmap.dtype == np.float32
    assert heatmap.max() > 1
    np.testing.assert_allclose(affine, its_affine, atol=1e-5)
    np.testing.assert_array_equal(heatmap, expected_map)
    peak = affine @ [*np.unravel_index(heatmap.argmax(), heatmap.shape), 1]
    assert peak[0] < 0, "the patient's left"


def marked(expected: Path) -> tuple[Any, Any]:
    """Mask and affine that follow from a folder of results."""
    heatmap, affine = load(expected / "heatmap.nii.gz")
    regions, _ = load(expected / "regions.nii.gz")
    details, mask = verify(expected)["score_details"], np.zeros_like(regions)
    for region, label in REGIONS.items():
        mask[(regions == label) & (heatmap > details[region]["threshold"])] = label
    return mask, affine


def test_the_mask_holds_the_region_where_the_heatmap_exceeds_its_threshold(
    client: MONAILabelClient, left: Path
) -> None:
    session = client.create_session(str(left))["session_id"]
    file, _ = infer(client, MASK, "", SLICER, session_id=session)
    client.remove_session(session)
    expected, affine = marked(left.parent / "expected")
    image = itk.imread(file)
    mask = itk.array_from_image(image).T
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, expected)
    assert (mask == 1).sum() > 1000, "the bleed on the left"
    assert (mask == 1).sum() > 10 * (mask == 2).sum()
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(mask.shape) - 1)
    places = np.array([image.TransformIndexToPhysicalPoint([int(n) for n in corner]) for corner in corners])
    np.testing.assert_allclose(places * [-1, -1, 1], nib.affines.apply_affine(affine, corners), atol=1e-3)


def test_a_tilted_series_has_one_run_and_an_orthogonal_grid(client: MONAILabelClient, right: Path) -> None:
    file, first = infer(client, NAME, str(right), {})
    _, second = infer(client, MASK, str(right), {"result_extension": ".nrrd"})
    assert first["grid"]["kind"] == "resampled"
    assert first["timings_s"] == second["timings_s"], "measured once"
    heatmap, affine = load(file)
    expected_map, its_affine = load(right.parent / "expected" / "heatmap.nii.gz")
    np.testing.assert_array_equal(heatmap, expected_map)
    np.testing.assert_allclose(affine, its_affine, atol=1e-5)
    assert not is_sheared(affine)
    expected, _ = marked(right.parent / "expected")
    mask, its_affine = load(infer(client, MASK, str(right), {})[0])
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_allclose(affine, its_affine, atol=1e-5)


def segmentation(address: str, image: str) -> requests.Response:
    """The answer to `output=dicom_seg`."""
    asked = {"image": image, "output": "dicom_seg"}
    return requests.post(
        f"{address}/infer/{MASK}", params=asked, data={"params": json.dumps({"stride": STRIDE})}, timeout=LONGEST_S
    )


def check_segmentation(answer: requests.Response, scan: Path) -> None:
    """See that it is the segmentation that the bundle writes of `right`, with the right side alone."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/dicom"
    assert answer.content == (scan.parent / "expected" / "dicom" / "segmentation.dcm").read_bytes()
    data = pydicom.dcmread(io.BytesIO(answer.content))
    (segment,) = data.SegmentSequence
    assert "right" in segment.SegmentLabel.lower()
    (site,) = segment.AnatomicRegionSequence
    assert site.AnatomicRegionModifierSequence[0].CodeMeaning == "Right"
    used = [number for number, plane in enumerate(data.pixel_array) if plane.any()]
    for number in used:
        origin = data.PerFrameFunctionalGroupsSequence[number].PlanePositionSequence[0].ImagePositionPatient
        columns = np.nonzero(data.pixel_array[number])[1] * float(
            data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing[1]
        )
        across = data.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient[0]
        assert (float(origin[0]) + across * columns < 0).all(), "the patient's right, in LPS"
    assert len(used) > 5


def test_a_segmentation_names_the_right_side_if_nothing_else_is_marked(client: MONAILabelClient, right: Path) -> None:
    expected, _ = marked(right.parent / "expected")
    assert set(np.unique(expected)) == {0, 2}
    check_segmentation(segmentation(client.get_server_url(), str(right)), right)


def report(address: str, image: str, extension: str) -> requests.Response:
    """The answer to a report in a form."""
    params = json.dumps({"stride": STRIDE, "result_extension": extension})
    asked = {"image": image, "output": "image"}
    return requests.post(f"{address}/infer/{REPORT}", params=asked, data={"params": params}, timeout=LONGEST_S)


def test_page_sheet_and_dicom_objects_are_those_of_monai_bundle(client: MONAILabelClient, right: Path) -> None:
    expected, address = right.parent / "expected", client.get_server_url()
    page = report(address, str(right), ".html")
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert page.content == (expected / "report.html").read_bytes()
    sheet = report(address, str(right), ".pdf")
    assert (sheet.headers["content-type"], sheet.content) == ("application/pdf", (expected / "report.pdf").read_bytes())
    with zipfile.ZipFile(io.BytesIO(report(address, str(right), ".zip").content)) as archive:
        objects = {f"dicom/{name}": archive.read(name) for name in archive.namelist()}
    assert objects == {f"dicom/{path.name}": path.read_bytes() for path in (expected / "dicom").iterdir()}
    assert sum("slice_" in name for name in objects) == len(list(right.iterdir()))


def test_a_nifti_has_a_report_and_no_dicom_objects(client: MONAILabelClient, left: Path) -> None:
    address = client.get_server_url()
    assert report(address, str(left), ".html").content == (left.parent / "expected" / "report.html").read_bytes()
    assert report(address, str(left), ".zip").status_code == 422


def test_a_nifti_has_no_dicom_segmentation(client: MONAILabelClient, left: Path) -> None:
    answer = segmentation(client.get_server_url(), str(left))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("A NIfTI file has no study")


def test_a_series_of_a_dicomweb_store_is_judged_from_its_dicom_files(right: Path, tmp_path: Path) -> None:
    with running(tmp_path / "orthanc") as archive:
        files = [pydicom.dcmread(path) for path in sorted(right.iterdir())]
        DICOMwebClient(url=archive.dicomweb).store_instances(files)
        with served(tmp_path, studies=archive.dicomweb) as address:
            check_segmentation(segmentation(address, files[0].SeriesInstanceUID), right)
            assert segmentation(address, "1.2.3").status_code == 404
            own = MONAILabelClient(address, tmpdir=str(tmp_path))
            file, params = infer(own, NAME, files[0].SeriesInstanceUID, {})
    assert params["findings"] == verify(right.parent / "expected")["findings"], "gantry tilt among them"
    np.testing.assert_array_equal(load(file)[0], load(right.parent / "expected" / "heatmap.nii.gz")[0])


def test_a_dicom_folder_is_read_as_the_bundle_reads_it(client: MONAILabelClient) -> None:
    file, params = infer(client, NAME, str(SAMPLE / "dicom"), {})
    assert max(params["scores"], key=params["scores"].get) == "right_hemisphere"
    lesion, its_affine = load(SAMPLE / "lesion.nii.gz")
    heatmap, affine = load(file)
    peak = affine @ [*np.unravel_index(heatmap.argmax(), heatmap.shape), 1]
    assert lesion[tuple(np.rint(np.linalg.solve(its_affine, peak))[:3].astype(int))]


def refused(client: MONAILabelClient, image: str, **params: Any) -> str:
    """The sentence of a refusal."""
    address = f"{client.get_server_url()}/infer/{NAME}"
    answer = requests.post(address, params={"image": image}, data={"params": json.dumps(params)}, timeout=LONGEST_S)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["detail"])


def test_an_unknown_image_is_not_found(client: MONAILabelClient) -> None:
    """MONAI Label makes an empty path of it, which would be the working directory."""
    address = f"{client.get_server_url()}/infer/{NAME}"
    answer = requests.post(address, params={"image": "nothere"}, data={"params": "{}"}, timeout=LONGEST_S)
    assert answer.status_code == 404, answer.text
    assert answer.json()["detail"].startswith("There is no image of that name")


def test_a_scan_that_cannot_be_judged_is_answered_with_the_sentence(client: MONAILabelClient, folder: Path) -> None:
    thin = folder / "thin.nii.gz"
    thin.write_bytes(nifti_bytes(np.zeros((64, 64, 3), np.int16), np.diag([3.0, 3.0, 5.0, 1.0])))
    client.upload_image(str(thin), "thin")
    log = (folder / "log").read_text().count("Traceback")
    (found,) = inspect_input(thin).findings
    assert refused(client, "thin") == found.message
    assert (folder / "log").read_text().count("Traceback") == log
    with pytest.raises(Exception, match="422") as shown:
        infer(client, NAME, "thin", SLICER)
    assert found.message in str(shown.value), "Slicer shows it"


@pytest.mark.parametrize("name", ["stride", "map", "device", "result_extension"])
def test_an_option_that_is_not_offered_is_refused_and_not_run(
    name: str, client: MONAILabelClient, folder: Path, left: Path
) -> None:
    written = folder / f"written_by_{name}"
    sentence = refused(client, str(left), **{name: f"$__import__('pathlib').Path({str(written)!r}).touch()"})
    assert sentence.startswith(f"{name} must be ")
    assert not written.exists()


def test_the_sample_application_of_monai_label_serves_the_bundle(left: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "app" / "model" / NAME
    shutil.copytree(STOCK, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(BUNDLE, bundle, ignore=shutil.ignore_patterns("__pycache__"))
    config = json.loads((bundle / "configs" / "inference.json").read_text())
    (bundle / "configs" / "inference.json").write_text(json.dumps({**config, "stride": STRIDE}))
    conf = {"models": NAME, "zoo_source": "ngc", "skip_trainers": "true", "sam2": "false"}
    words = [word for name, value in conf.items() for word in ("--conf", name, value)]
    with served(tmp_path, "--app", str(tmp_path / "app"), *words) as address:
        file, params = infer(MONAILabelClient(address, tmpdir=str(tmp_path)), NAME, str(left), {})
    assert params["scores"] == pytest.approx(verify(left.parent / "expected")["scores"], rel=1e-5)
    same, its_affine = load(left.parent / "expected" / "heatmap.nii.gz")
    heatmap, affine = load(file)
    np.testing.assert_allclose(affine, its_affine, atol=1e-4)
    np.testing.assert_allclose(heatmap, same, atol=LARGEST_DIFFERENCE)
