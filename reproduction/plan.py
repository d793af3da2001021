"""Manifests of reproductions, YAML files: the networks to train and evaluate, their settings and data.

A *run* is one network: trained on the healthy scans of a datalist, then judged on its test scans. `defaults` holds what
all runs of a kind of network share. `manifest.schema.json` says which keys there are, of which type, and what is taken
where one is left out; nothing in a manifest is run. What is wrong is refused before a sweep of hours or days begins.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from scripts.datasets.datalist import listed_scans
from scripts.errors import WrongUsage
from scripts.workflow import parsed_configs

SCHEMA: dict[str, Any] = json.loads((Path(__file__).parent / "manifest.schema.json").read_text(encoding="utf-8"))
RUN: dict[str, Any] = {**SCHEMA["$defs"]["run"], "$defs": SCHEMA["$defs"]}
"""The schemas of a manifest, and of a run with what `defaults` add to it."""

TRAINING = {
    "position": ("train.json", "train_scans.json", "published_train.json"),
    "dense": ("train.json", "train_scans.json"),
    "autoencoder": ("train.json", "train_scans.json", "autoencoder.json"),
}
"""Configs that train each network, the later over the earlier."""

SCANS = "scans"
"""As iterations of an epoch: as many as let every training scan be seen once."""


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest in a file, with absolute paths and with the defaults of all that it does not say.

    Raises:
        WrongUsage: there is none, or something in it is wrong; the message names the key and the run.
    """
    content = _content(path)
    _check(content, SCHEMA, str(path))
    shared, runs = content.pop("defaults", {}), []
    for number, row in enumerate(content["runs"], start=1):
        run = {**shared.get(str(row.get("network")), {}), **row}
        _check(run, RUN, f"Run {number} ({row.get('name', 'without a name')}) in {path}")
        runs.append({**_defaults(RUN), **run})
    if twice := [name for name, count in Counter(run["name"] for run in runs).items() if count > 1]:
        raise WrongUsage(f"Two runs in {path} are called {twice[0]}. Give each a name of its own.")
    for key in ("datalist", "reads"):
        if content.get(key):
            content[key] = str((path.parent / content[key]).absolute())
    return {**_defaults(SCHEMA), **content, "runs": runs}


def iterations(run: Mapping[str, Any], datalist: str) -> int:
    """The iterations of an epoch of a run's training.

    Raises:
        WrongUsage: the run sets an id that its training config does not have, or the datalist has no training scans.
    """
    configs = TRAINING[run["network"]]
    parser = parsed_configs(configs)
    if unknown := [name for name in run["train"] if name not in parser]:
        raise WrongUsage(f"Run {run['name']}: train sets {unknown[0]}, which is no id of {' and '.join(configs)}.")
    if run["iterations_per_epoch"] != SCANS:
        return int(run["iterations_per_epoch"])
    at_once = int(run["train"].get("crops_per_iteration", parser["crops_per_iteration"]))
    return -(-len(listed_scans(datalist, "training")) // at_once)


def check_start_weights(run: Mapping[str, Any]) -> None:
    """See that a run's network can start from the weights that its training starts from, if it starts from any.

    Raises:
        WrongUsage: they are not there, or of another width or patch size, or of another kind of network.
    """
    from scripts.training.checkpoints import check_start  # which imports torch

    parser = parsed_configs(TRAINING[run["network"]])
    for name, value in {"width": run["width"], "patch_size": run["patch_size"], **run["train"]}.items():
        parser[name] = value
    weights = parser.get_parsed_content("start_weights")
    if weights is None:
        return
    if not Path(weights).is_absolute() or not Path(weights).is_file():
        raise WrongUsage(
            f"Run {run['name']}: there are no weights at {weights}, from which its training shall start. Name a file "
            "by its absolute path."
        )
    try:
        check_start(weights, parser.get_parsed_content("network_def"))
    except WrongUsage as error:
        patch_size = f" and patch size {parser['patch_size']}" if parser["patch_size"] else ""
        raise WrongUsage(
            f"Run {run['name']}: its training starts from {weights}, which holds no {run['network']} network of "
            f"width {parser['width']}{patch_size}. Choose what it holds, or start from nothing: train: "
            "{start_weights: null}."
        ) from error


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a schema, by key."""
    return {key: value["default"] for key, value in schema["properties"].items() if "default" in value}


def _content(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        WrongUsage: there is no such file, or it can't be read.
    """
    if not path.is_file():
        raise WrongUsage(f"There is no manifest at {path}. Name a YAML file, or one that ships with the bundle.")
    try:
        text = path.read_text(encoding="utf-8")
        _check_once(yaml.compose(text, yaml.SafeLoader))
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} can't be read: {' '.join(str(error).split())[:200]}. Correct its YAML.") from error


def _check_once(node: Any) -> None:
    """Refuse a key that occurs twice in a mapping; YAML would use the last one."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    keys = Counter(str(key.value) for key, _ in pairs)
    if twice := [key for key, count in keys.items() if count > 1]:
        raise yaml.YAMLError(f"{twice[0]!r} is there twice, in what begins in line {node.start_mark.line + 1}")
    for inner in [value for _, value in pairs] if pairs else getattr(node, "value", ()):
        if isinstance(inner, yaml.Node):
            _check_once(inner)


def _check(content: Any, schema: Mapping[str, Any], where: str) -> None:
    """Refuse content that does not fit the schema.

    Raises:
        WrongUsage: the message has the valid form.
    """
    error = best_match(Draft202012Validator(schema).iter_errors(content))
    if error is None:
        return
    key = f": {error.absolute_path[0]}" if error.absolute_path else ""
    if error.validator in ("required", "additionalProperties"):
        raise WrongUsage(f"{where}{key}: {error.message}. Correct it.")
    raise WrongUsage(f"{where}{key} must be {_description(error, schema)}, not {error.instance!r}.")


def _description(error: ValidationError, schema: Mapping[str, Any]) -> str:
    """The schema's description of a valid value, from the innermost part that has one."""
    node, found = schema, str(schema["description"])
    for part in error.absolute_schema_path:
        node = node[part]
        if isinstance(node, dict):
            node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
            found = node.get("description", found)
    return found
