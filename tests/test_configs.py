"""The configs are code: every name in them exists, shared ids are the same, and each host reads them as it does.

Whole runs through them are in test_pipeline.py, overrides in the READMEs' commands in test_readme.py.
"""

from __future__ import annotations

import configparser
import json
import pydoc
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import monai
import pytest
import torch
from monai.bundle import ComponentLocator, ConfigParser, ConfigWorkflow
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, LoadImaged
from monai.utils import set_determinism

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "bundle" / "configs"
BASES = {
    "published.json": "inference.json",
    "autoencoder_inference.json": "inference.json",
    "inference_trt.json": "inference.json",
    "evaluate.json": "inference.json",
    "multi_gpu_train.json": "train.json",
    "autoencoder.json": "train.json",
    "published_train.json": "train.json",
    "train_scans.json": "train.json",
    "locator.json": "train.json",
    "density_train.json": "train.json",
    "density_scans.json": "density_train.json",
}
"""Which config each overlay goes over."""

TRAININGS = ("autoencoder.json", "published_train.json", "train_scans.json")
"""Overlays of train.json that train on samples of their own."""

REGISTRATION = ("reference", "reference_masks", "locator")
"""Ids of the files that scans are registered with."""

OWN_IDS = {
    "imports": "each config imports what it uses",
    "dataset_dir": "a scan, or a folder of label maps",
    "network": "spectral norm while training only",
    "run": "another workflow",
}
"""Ids that inference.json and train.json have both, each in its own way, and why."""


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CONFIGS / name).read_text(encoding="utf-8"))
    return content


def below(name: str) -> dict[str, Any]:
    """What an overlay goes over: its base, over that one's own."""
    if name not in BASES:
        return {}
    parser = ConfigParser(below(BASES[name]))
    parser.update(load(BASES[name]))
    content: dict[str, Any] = parser.get()
    return content


NAMES = sorted(path.name for path in CONFIGS.glob("*.json") if path.name != "metadata.json")


def walk(content: Any) -> Iterator[Any]:
    """Every value inside a config, containers too."""
    yield content
    if isinstance(content, dict | list):
        for value in content.values() if isinstance(content, dict) else content:
            yield from walk(value)


def texts(name: str) -> list[str]:
    return [value for value in walk(load(name)) if isinstance(value, str)]


def workflow(name: str, kind: str, **overrides: Any) -> ConfigWorkflow:
    return ConfigWorkflow(str(CONFIGS / name), logging_file=False, workflow_type=kind, **overrides)


def test_no_config_is_forgotten() -> None:
    assert {"inference.json", "train.json", *BASES} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_target_exists(name: str) -> None:
    locator = ComponentLocator()
    for value in walk(load(name)):
        if isinstance(value, dict) and (target := value.get("_target_")):
            found = locator.get_component_module_name(target) if "." not in target else target
            path = f"{found}.{target}" if "." not in target else target
            assert isinstance(found, str), f"{target} is not one component of MONAI"
            assert callable(pydoc.locate(path)), path


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_those_of_their_target(name: str) -> None:
    import inspect

    locator = ComponentLocator()
    for value in walk(load(name)):
        if isinstance(value, dict) and (target := value.get("_target_")):
            path = target if "." in target else f"{locator.get_component_module_name(target)}.{target}"
            made: Any = pydoc.locate(path)
            parameters = inspect.signature(made).parameters
            if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                assert {key for key in value if not key.startswith("_")} <= set(parameters), path


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_hidden_in_expressions(name: str) -> None:
    for text in texts(name):
        assert "lambda" not in text
        assert not text.startswith("%"), "macros are resolved against the working directory"
        if text.startswith("$") and not text.startswith("$import"):
            for part in re.split(r" if | else ", text):
                assert part.count("(") <= 2, f"an expression is one call: {text}"


@pytest.mark.parametrize("name", NAMES)
def test_references_exist(name: str) -> None:
    parser = ConfigParser(below(name))
    parser.update(load(name))
    for text in texts(name):
        for reference in re.findall(r"@([\w#]+)", text):
            assert reference in parser, f"{text} refers to nothing"


@pytest.mark.parametrize("name", NAMES)
def test_imports_are_used(name: str) -> None:
    merged = below(name) | load(name)
    used = [value for value in walk(merged) if isinstance(value, str) and value.startswith("$")]
    for line in load(name).get("imports", []):
        module = line.removeprefix("$import ").split(" as ")[-1]
        users = [text for text in used if not text.startswith("$import") and re.search(rf"\b{module}\b", text)]
        assert users, f"{line} is not used"


@pytest.mark.parametrize("name", NAMES)
def test_paths_are_made_of_text_and_of_path_objects_alike(name: str) -> None:
    """A Python program gives `Path` objects, which no text can be added to."""
    parser = ConfigParser({**load(name), "bundle_root": Path("bundle")})
    for key in ("output_dir", "registered_dir", "prepared_dir", "drawn_dir", "weights"):
        if "/" in str(parser.get(key)) and "@" in str(parser.get(key)):
            given = {} if key in ("output_dir", "weights") else {"output_dir": Path("out")}
            made = ConfigParser({**parser.get(), **given}).get_parsed_content(key)
            assert re.match("(bundle|out)/", made)


@pytest.mark.parametrize("overlay", BASES)
def test_overlays_set_what_the_base_has_or_uses(overlay: str) -> None:
    parser = ConfigParser(below(overlay))
    content = load(overlay)
    used = [text for value in content.values() for text in walk(value) if isinstance(text, str)]
    for key in content.keys() - {"_desc_", "initialize", "finalize", "prepare"}:
        assert key in parser or any(f"@{key}" in text for text in used), f"{key} is misspelt, or of no use"


@pytest.mark.parametrize("network", [(), ("published.json",), ("autoencoder_inference.json",)])
def test_an_evaluation_differs_from_a_run_in_what_it_reads_and_writes_only(network: tuple[str, ...]) -> None:
    run, evaluation = ConfigParser(), ConfigParser()
    run.read_config([str(CONFIGS / name) for name in ("inference.json", *network)])
    evaluation.read_config([str(CONFIGS / name) for name in ("inference.json", *network, "evaluate.json")])
    before, after = ({k: v for k, v in parser.get().items() if k != "_desc_"} for parser in (run, evaluation))
    new = {"datalist", "section", "judged_score", "registered_dir"}
    assert after.keys() - before.keys() == new
    differing = {key for key in before if json.dumps(before[key]) != json.dumps(after[key])}
    assert differing == {"series_uid", "dataset", "handlers"}
    assert after["handlers"][:2] == before["handlers"][:2]
    writer = "scripts.cohort.handlers.CohortEvaluation"
    assert [part["_target_"] for part in after["handlers"][2:]] == [writer]
    kept = set(after["handlers"][2]["settings"]) - {"width", "patch_size"}
    assert kept == set(before["handlers"][2]["settings"])


@pytest.mark.parametrize("overlay", [name for name, base in BASES.items() if base == "train.json"])
def test_an_overlay_of_a_training_leaves_its_ids_in_use(overlay: str) -> None:
    """An id that could be set on a command line, and would change nothing, misleads."""
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / name) for name in ("train.json", overlay)])
    used = set(re.findall(r"@([\w#]+)", " ".join(value for value in walk(parser.get()) if isinstance(value, str))))
    for name in ("crops_per_head", "cudnn_benchmark"):
        assert name in used, name


@pytest.mark.parametrize("overlay", ["train.json", *(name for name, base in BASES.items() if base == "train.json")])
def test_a_training_can_do_without_workers(overlay: str) -> None:
    """PyTorch refuses a loader without workers that shall fetch ahead, or keep them."""
    for workers, fetching in ((0, False), (2, True)):
        parser = ConfigParser()
        parser.read_config([str(CONFIGS / name) for name in dict.fromkeys(("train.json", overlay))])
        parser["workers"] = workers
        names = ("num_workers", "prefetch_factor", "persistent_workers")
        values = {name: parser.get_parsed_content(f"train#dataloader#{name}") for name in names}
        assert bool(values["prefetch_factor"]) is fetching
        torch.utils.data.DataLoader([1], **values)  # type: ignore[arg-type]


def test_negative_control_a_misspelt_id_of_an_overlay_is_seen() -> None:
    assert "validate#evaluator#val_handler" not in ConfigParser(load("train.json"))


def test_shared_ids_are_equal() -> None:
    inference, train = load("inference.json"), load("train.json")
    shared = inference.keys() & train.keys()
    assert len(shared) >= 10
    different = {key for key in shared if json.dumps(inference[key]) != json.dumps(train[key])}
    assert different == set(OWN_IDS)


def test_the_density_network_learns_from_the_inputs_that_it_is_run_on() -> None:
    training, run = load("density_train.json"), load("inference.json")
    assert training["windows_hu"] == run["evidence_windows_hu"]
    assert training["median_hu"] == run["evidence_median_hu"]
    assert training["nodes"] == run["evidence_network_def"]["nodes"]
    assert training["first_place"] == run["evidence"]["inferer"]["first_place"]


def test_what_makes_a_head_of_a_scan_is_the_same_in_training() -> None:
    """The masks before the network: the same transforms with the same settings, but for what a drawn head has not."""
    inference = {t["_target_"]: t for t in load("inference.json")["preprocessing"]["transforms"] if isinstance(t, dict)}
    drawing = {t["_target_"]: t for t in load("train.json")["drawing"]["transforms"]}
    name = "scripts.preprocessing.transforms.FindForegroundd"
    assert inference[name] == drawing[name]
    assert drawing["scripts.preprocessing.transforms.MaskBackgroundd"]["mask_keys"] == ["foreground"]


def test_poses_for_review_are_not_accepted_and_none_is_forced_unless_a_user_of_run_says_so() -> None:
    """MONAI Label and Deploy use the config as it is, and their applications override neither."""
    assert (load("inference.json")["accept_review"], load("inference.json")["force"]) == (False, False)
    overlays = (path for path in CONFIGS.glob("*.json") if path.name not in ("inference.json", "metadata.json"))
    applications = [path for app in ("label", "deploy") for path in (ROOT / "apps" / app).rglob("*.py")]
    assert len(applications) > 4
    for path in (*overlays, *applications):
        text = path.read_text(encoding="utf-8")
        assert "accept_review" not in text, path
        assert '"force"' not in text, path


@pytest.mark.parametrize("word", ["true", "false"])
def test_every_switch_of_a_run_means_what_it_says(word: str) -> None:
    """MONAI gives text to the components: of `--report false` the text "false", which Python takes for true."""
    names = ("report", "overwrite", "dicom", "accept_review", "force", "bone_series", "bone_alone")
    parser = workflow("inference.json", "infer", **dict.fromkeys(names, word)).parser
    writer = parser.get_parsed_content("handlers#2")
    register = parser.get_parsed_content("preprocessing#transforms#4")
    reader = parser.get_parsed_content("preprocessing#transforms#0#reader")
    found = (writer.report, writer.overwrite, writer.dicom, register.accept_review, register.force)
    assert (*found, reader.bone_series, reader.bone_alone) == (word == "true",) * 7


def test_a_switch_that_is_neither_is_refused_by_its_name() -> None:
    parser = workflow("inference.json", "infer", overwrite="no").parser
    with pytest.raises(RuntimeError, match="Failed to instantiate") as error:
        parser.get_parsed_content("handlers#2")
    assert "overwrite must be true or false, got 'no'" in str(error.value.__cause__)


def test_scans_to_train_on_are_made_ready_as_at_inference() -> None:
    """The same steps and settings up to the masked scan, but for the series, copies, and decisions."""
    steps = [step for step in load("inference.json")["preprocessing"]["transforms"] if isinstance(step, dict)]
    ours = load("train_scans.json")["registering"]["transforms"]
    last = "scripts.preprocessing.transforms.MaskBackgroundd"
    end = [step["_target_"] for step in steps].index(last) + 1
    shared = [step for step in steps[:end] if "scan" not in (step.get("names"), step.get("keys"))]
    assert shared.pop(1)["_target_"] == "scripts.reading.transforms.TakeBoneScand"
    assert shared[0]["reader"].pop("series_uid") == "@series_uid"
    assert shared[0]["reader"].pop("bone_series") == "@bone_series", "a bone kernel is not learnt from"
    assert shared[0]["reader"].pop("bone_alone") == "@bone_alone"
    own = {"_desc_", "accept_review", "force"}  # what a user may decide of one result is not learnt from
    without = [{key: value for key, value in step.items() if key not in own} for step in shared]
    assert ours[: len(without)] == without
    assert [step["_target_"] for step in ours[len(without) :]] == ["SelectItemsd", "EnsureTyped"]
    assert [load("train_scans.json")[i] for i in REGISTRATION] == [load("inference.json")[i] for i in REGISTRATION]


@pytest.mark.parametrize(("name", "overlays"), [("train.json", ()), *((BASES[o], (o,)) for o in TRAININGS)])
def test_a_training_sample_holds_what_a_batch_needs_and_nothing_else(name: str, overlays: tuple[str, ...]) -> None:
    """Whole heads and their masks would fill the memory, since many samples wait for the trainer."""
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / file) for file in (name, *overlays)])
    parser.update({"bundle_root": str(ROOT / "bundle"), "patches_per_head": 2})
    head: dict[str, Any] = {"image": torch.full((1, 48, 48, 48), 40, dtype=torch.int16), "seed": 3}
    if overlays in ((), ("train_scans.json",)):  # the others select what they need when they draw a head
        head["foreground"] = head["image"] > 0
    else:
        del head["seed"]
        drawing = next(key for key in ("boxes", "equalised") if key in parser)
        assert parser[drawing]["transforms"][-1] == {"_target_": "SelectItemsd", "keys": "image"}
    sample = parser.get_parsed_content("train#preprocessing")(head)
    assert set(sample) == {"image", "label"}


def test_monai_finds_every_property(tmp_path: Path) -> None:
    inference = workflow("inference.json", "infer", bundle_root=str(ROOT / "bundle"))
    inference.initialize()
    assert inference.check_properties() == []
    for number in range(1, 15):
        (tmp_path / f"head_{number:02d}.nii.gz").touch()
    no_heads = {"_target_": "Dataset", "data": []}
    words = {"dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "out"), "validate#dataset": no_heads}
    train = workflow("train.json", "train", bundle_root=str(ROOT / "bundle"), **words)
    train.initialize()
    assert train.check_properties() == []


def test_negative_control_a_missing_property_is_found() -> None:
    flow = workflow("inference.json", "infer")
    del flow.parser.config["dataset_dir"]  # type: ignore[attr-defined, union-attr]
    flow.parser["dataset#data"] = []
    flow.initialize()
    with pytest.raises(KeyError, match="dataset_dir"):
        flow.check_properties()


def test_constants_come_first_and_the_workflow_last() -> None:
    for name, last in (("inference.json", ["evaluator", "run"]), ("train.json", ["train", "validate", "run"])):
        assert list(load(name))[-len(last) :] == last
        assert list(load(name))[:2] == ["imports", "bundle_root"]


def test_metadata_is_complete() -> None:
    meta = load("metadata.json")
    assert meta["version"] in meta["changelog"]
    needed = (
        "schema monai_version pytorch_version numpy_version required_packages_version name task description authors"
    )
    more = "copyright data_source data_type intended_use references eval_metrics network_data_format"
    assert set(f"{needed} {more}".split()) <= set(meta)
    data = meta["network_data_format"]
    assert (list(data["inputs"]), list(data["outputs"])) == (["image"], ["pred"])
    assert data["outputs"]["pred"]["num_channels"] == 3
    assert data["outputs"]["pred"]["spatial_shape"] == []
    channels = load("inference.json")["network_def"]["in_channels"]
    assert data["inputs"]["image"]["num_channels"] == channels == len(data["inputs"]["image"]["channel_def"])
    assert data["inputs"]["image"]["spatial_shape"] == [load("inference.json")["patch_size"]] * 3
    assert "detection" not in meta["name"].lower(), "MONAI Label would take it for a detector of boxes"


def test_metadata_names_the_versions_that_were_tested() -> None:
    meta = load("metadata.json")
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.lower().replace("_", "-").split("==") for line in lines if "==" in line)
    named = {
        "monai": meta["monai_version"],
        "torch": meta["pytorch_version"],
        "numpy": meta["numpy_version"],
        **meta["required_packages_version"],
        **meta["extra_packages_version"],
    }
    assert {name: pinned.get(name) for name in named} == named


@pytest.mark.parametrize("path", sorted(CONFIGS.iterdir()), ids=lambda path: path.name)
def test_configs_are_ascii(path: Path) -> None:
    """MONAI reads them in the encoding of the system."""
    assert path.read_bytes().isascii()


def test_the_version_is_that_of_the_package() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{load("metadata.json")["version"]}"' in text


def test_logging_uses_classes_of_the_standard_library_only() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(CONFIGS / "logging.conf")
    classes = [section["class"] for section in parser.values() if "class" in section]
    assert classes == ["StreamHandler"]


@pytest.mark.parametrize("name", NAMES)
def test_lists_of_a_few_values_are_on_one_line(name: str) -> None:
    assert not re.search(r"\[\s*\n\s*[-\d.\"\w]+,?\s*\n\s*\]", (CONFIGS / name).read_text(encoding="utf-8"))


def test_the_network_loads_its_weights_strictly() -> None:
    parser = workflow("inference.json", "infer").parser
    weights = torch.load(parser.get_parsed_content("weights"), map_location="cpu", weights_only=True)
    parser.get_parsed_content("network_def").load_state_dict(weights, strict=True)


LABEL = """
import json, os, sys
from monai.bundle import ConfigParser
root, device = sys.argv[1], "cpu"
sys.path.insert(0, root)
parser = ConfigParser()
parser.read_config(os.path.join(root, "configs", "inference.json"))
parser.read_meta(os.path.join(root, "configs", "metadata.json"))
parser.update(pairs={"bundle_root": root, "device": device})
if "initialize" in parser:
    parser.get_parsed_content("initialize", instantiate=True)
pre = parser.get_parsed_content("preprocessing", instantiate=True)
post = parser.get_parsed_content("postprocessing", instantiate=True)
network = parser.get_parsed_content("network_def", instantiate=True)
inferer = parser.get_parsed_content("inferer", instantiate=True)
import torch
network.load_state_dict(torch.load(os.path.join(root, "models", "model.pt"), map_location="cpu", weights_only=True))
print(json.dumps({
    "pre": [type(t).__name__ for t in pre.transforms],
    "post": [type(t).__name__ for t in post.transforms],
    "same": post.transforms[-1].transform is pre,
    "callable": callable(inferer),
    "parsed": parser["network_def"]["_target_"],
}))
"""
"""How MONAI Label 0.8.5 reads a bundle (monailabel/tasks/infer/bundle.py): one file, each id on its own."""


def test_read_as_monai_label_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From another folder, in this process: MONAI Label's own is that of tests/label."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["label", str(ROOT / "bundle")])
    exec(LABEL, {})
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["pre"][0] == "LoadImaged"
    assert "RegisterHeadd" in found["pre"]
    assert "Spacingd" not in found["pre"], "it breaks in MONAI Label with MONAI 1.6"
    assert found["post"][:4] == ["ErrorMapd", "AnomalyMapd", "ScoreRegionsd", "LeaveOutBraind"]
    assert found["post"][4:] == ["DescribeDetectionsd", "AssessSkulld", "InvertWithSkulld"]
    assert found["same"], "the inverse goes the way that the scan came"
    assert not any("Save" in name for name in found["post"])


def test_read_as_monai_deploy_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `bundle_root`, from another folder, without the transforms that load, on a tensor instead of a path.

    monai-deploy-app-sdk 4.0.0 takes `preprocessing` and `postprocessing` by id, leaves out every transform with
    LoadImage or SaveImage in its class name, and calls `inferer(inputs=..., network=...)`.
    """
    monkeypatch.chdir(tmp_path)
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "inference.json"))
    pre, post = (parser.get_parsed_content(name) for name in ("preprocessing", "postprocessing"))
    kept = [t for t in pre.transforms if "LoadImage" not in type(t).__name__]
    assert len(kept) == len(pre.transforms) - 1
    assert isinstance(pre.transforms[0], LoadImaged)
    assert not any("LoadImage" in type(t).__name__ or "SaveImage" in type(t).__name__ for t in post.transforms)
    assert all(Path(parser.get_parsed_content(name)).is_absolute() for name in ("weights", "reference"))
    registered: list[Any] = []
    stand_in(monkeypatch, registered)
    scan = MetaTensor(torch.full((1, 20, 18, 16), -1000.0), affine=torch.diag(torch.tensor([-2.0, -2, 2, 1])))
    scan[:, 4:16, 4:14, 4:12] = 40
    data = Compose(kept)({"image": scan})
    assert len(registered) == 1
    assert data["image"].shape == (2, 256, 256, 256)
    inferer, network = parser.get_parsed_content("inferer"), parser.get_parsed_content("network_def")
    with torch.no_grad():
        data["pred"] = inferer(inputs=data["image"][None], network=network)[0]
    assert isinstance(data["pred"], MetaTensor)
    steps = [t for t in post.transforms if not isinstance(t, Invertd)]
    keys, nearest = ["pred", "error_map", "regions"], [False, False, True]
    inverse = Invertd(keys, Compose(kept), "image", nearest_interp=nearest, to_tensor=True)
    result = Compose([*steps, inverse])(data)
    assert result["pred"].shape == result["error_map"].shape == (1, 20, 18, 16)
    torch.testing.assert_close(result["pred"].affine.float(), scan.affine.float())


def stand_in(monkeypatch: pytest.MonkeyPatch, calls: list[Any]) -> None:
    """Replace the search for the registration, which needs a whole head, by one that is known."""
    from scripts.registration import transforms
    from scripts.registration.register import Registration

    def known(volume: torch.Tensor, *_: Any) -> Registration:
        import numpy as np

        calls.append(volume.shape)
        matrix = np.eye(4)
        matrix[:3, 3] = [20, 18, -16]
        return Registration(matrix, {"ncc": 1.0}, "pass")

    monkeypatch.setattr(transforms, "load_reference", lambda *paths: None)
    monkeypatch.setattr(transforms, "register_or_refuse", known)


def test_a_train_config_alone_can_be_read_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flow = workflow("train.json", "train", bundle_root=str(ROOT / "bundle"), device="cpu", width=1)
    flow.initialize()
    for name in ("optimizer", "lr_scheduler", "train#loss", "train#inferer", "validate#inferer", "train#key_metric"):
        assert flow.parser.get_parsed_content(name) is not None
    set_determinism(None)
    assert list(tmp_path.iterdir()) == []


def test_the_installed_monai_is_the_one_in_the_metadata() -> None:
    assert monai.__version__.split("+")[0] == load("metadata.json")["monai_version"]


OVERLAID = [
    *((), ("published_train.json",), ("autoencoder.json",), ("density_train.json",), ("locator.json",)),
    *(("train_scans.json",), ("train_scans.json", "autoencoder.json")),
]
"""Overlays of train.json that make a training."""


@pytest.mark.parametrize("overlay", OVERLAID)
def test_several_processes_train_the_network_that_one_trains(overlay: tuple[str, ...]) -> None:
    """Spectral norm, where there is one, and names of the weights without the `module.` of several processes."""
    parser = ConfigParser(load("train.json"))
    for name in (*overlay, "multi_gpu_train.json"):
        parser.update(load(name))
    parser.update({"device": "cpu", "start_weights": None})
    assert parser["network"]["module"] == "@trained"
    assert not any("@network.state_dict" in text for text in walk(parser["run"]) if isinstance(text, str))
    alone = ConfigParser({**parser.get(), "network": None})
    for name in ("train.json", *overlay):
        alone["network"] = load(name).get("network", alone["network"])
    found, expected = (one.get_parsed_content(what) for one, what in ((parser, "trained"), (alone, "network")))
    assert list(found.state_dict()) == list(expected.state_dict())


@pytest.mark.parametrize("overlay", OVERLAID)
def test_each_training_ends_with_its_budget_in_several_processes_too(overlay: tuple[str, ...]) -> None:
    for names in (overlay, (*overlay, "multi_gpu_train.json")):
        parser = ConfigParser(load("train.json"))
        for name in names:
            parser.update(load(name))
        handlers = parser["train#trainer#train_handlers"]
        assert handlers == "@train#handlers" or handlers["handlers"] == "@train#handlers"
        curve, budget = parser["train#handlers#2"], parser["train#handlers#3"]
        assert (curve["_target_"], budget["_target_"]) == (
            "scripts.training.handlers.LearningCurve",
            "scripts.training.handlers.CpuBudget",
        )
        assert (budget["curve"], budget["seconds"], parser["cpu_budget_s"]) == (
            "@train#handlers#2",
            "@cpu_budget_s",
            None,
        )


@pytest.mark.parametrize(("device", "chosen"), [(torch.device("cuda", 1), [torch.device("cuda", 1)]), ("cpu", [])])
def test_each_process_of_a_training_sums_on_its_own_gpu(
    device: Any, chosen: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(torch.cuda, "set_device", seen.append)
    monkeypatch.setattr(torch.distributed, "init_process_group", lambda backend: seen.append(backend))
    parser = ConfigParser(load("train.json"))
    parser.update({**load("multi_gpu_train.json"), "device": device, "backend": "some"})
    parser.get_parsed_content("initialize")
    assert seen == [*chosen, "some"], "before the group is made"
