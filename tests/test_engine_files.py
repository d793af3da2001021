"""What of containers and schedulers can be seen without them; `make engines` runs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.commands.main import parser_for

ROOT = Path(__file__).resolve().parents[1]
APPS, ENGINES = ROOT / "apps", ROOT / "benchmarks" / "engines"
VERSION: str = json.loads((ROOT / "bundle/configs/metadata.json").read_text(encoding="utf-8"))["version"]
bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")


def loaded(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((APPS / name).read_text(encoding="utf-8"))
    return content


@bash
@pytest.mark.parametrize("path", [*ENGINES.glob("*.sh"), APPS / "slurm" / "shards.sh"], ids=lambda path: path.name)
def test_scripts_are_bash_and_may_be_run(path: Path) -> None:
    assert subprocess.run(["bash", "-n", str(path)], capture_output=True).stderr == b""
    assert os.access(path, os.X_OK)


def run_shard(folder: Path, code: int, restarts: str | None) -> tuple[int, list[str], str]:
    """The exit code of a task whose command ends so, what it asked of the scheduler, and the command's arguments."""
    for name, last in (("head-ct-anomaly", f"exit {code}"), ("scontrol", "exit 0")):
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/log\n{last}\n')
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "SLURM_ARRAY_TASK_ID": "3", "SLURM_JOB_ID": "77"}
    environment |= {"SLURM_CPUS_PER_TASK": "2"} | ({} if restarts is None else {"SLURM_RESTART_COUNT": restarts})
    words = [str(APPS / "slurm" / "shards.sh"), "list.json", "parts", "200", "--scores-only"]
    status = subprocess.run(words, env=environment, capture_output=True).returncode
    command, *asked = (folder / "log").read_text().splitlines()
    return status, asked, command


@bash
@pytest.mark.parametrize(
    ("code", "restarts", "status", "again"),
    [
        (0, None, 0, False),
        (3, None, 3, False),
        (4, None, 4, True),
        (137, "4", 137, True),
        (137, "5", 137, False),
        (5, None, 5, False),
        (2, None, 2, False),
    ],
)
def test_a_slurm_task_maps_exit_codes(
    code: int, restarts: str | None, status: int, again: bool, tmp_path: Path
) -> None:
    ended, asked, command = run_shard(tmp_path, code, restarts)
    assert (ended, asked) == (status, ["scontrol requeue 77"] if again else [])
    assert command == "head-ct-anomaly cohort list.json -o parts --shard auto/200 --workers 2 --scores-only"
    assert parser_for(command.split()[1:]).parse_args(command.split()[1:]).shard == "auto/200"


def test_the_workflow_maps_exit_codes_and_its_options_exist() -> None:
    for name in ("shard", "merge"):
        codes = [loaded(f"cwl/{name}.cwl")[f"{kind}Codes"] for kind in ("success", "temporaryFail", "permanentFail")]
        assert codes == [[0, 5], [4, 137], [2, 3]]
    tool = loaded("cwl/shard.cwl")
    options = [given["inputBinding"]["prefix"] for given in tool["inputs"].values() if "inputBinding" in given]
    values = {"--shard": ["1/4"], "--stride": ["4"], "--workers": ["2"]}
    words = [*tool["baseCommand"][1:], "scans", "-o", ".", *(w for o in options for w in [o, *values.get(o, [])])]
    assert parser_for(words).parse_args(words).workers == 2
    steps = loaded("cwl/cohort.cwl")["steps"]
    for step in steps.values():
        assert set(step["in"]) <= set(loaded(f"cwl/{step['run']}")["inputs"])
    assert set(loaded("cwl/cohort.yml")) <= set(loaded("cwl/cohort.cwl")["inputs"])


def test_the_indexed_job_maps_exit_codes_and_counts_its_shards() -> None:
    spec = loaded("kubernetes/shards.yaml")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    ignored, failing, counted = spec["podFailurePolicy"]["rules"]
    assert (ignored["action"], failing["action"], counted["action"]) == ("Ignore", "FailIndex", "Count")
    assert (failing["onExitCodes"]["values"], counted["onExitCodes"]["values"]) == ([2, 3, 5], [4, 137])
    assert {rule["onExitCodes"]["containerName"] for rule in (failing, counted)} == {container["name"]}
    assert f"auto/{spec['completions']}" in container["args"]
    assert callable(parser_for(container["args"]).parse_args(container["args"]).main)


def test_the_merging_job_is_not_tried_again_where_the_cohort_is_there() -> None:
    spec = loaded("kubernetes/merge.yaml")["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    ignored, failing, counted = spec["podFailurePolicy"]["rules"]
    assert (ignored["action"], failing["action"], counted["action"]) == ("Ignore", "FailJob", "Count")
    assert (failing["onExitCodes"]["values"], counted["onExitCodes"]["values"]) == ([2, 3, 5], [4, 137])
    assert {rule["onExitCodes"]["containerName"] for rule in (failing, counted)} == {container["name"]}


@pytest.mark.parametrize("name", ["shards", "merge"])
def test_pods_have_no_rights_and_the_image_of_this_version(name: str) -> None:
    pod = loaded(f"kubernetes/{name}.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["image"] == f"head-ct-anomaly:{VERSION}"


def test_the_image_has_the_version_of_the_bundle_and_all_that_is_copied() -> None:
    text = (APPS / "container" / "Dockerfile").read_text(encoding="utf-8")
    assert f'image.version="{VERSION}"' in text
    kept = (APPS / "container" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {word for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, flags=re.M) for word in line.split()}
    assert {f"!{name}" for name in copied} == {line for line in kept if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
    assert re.findall(r"^USER (\S+)", text, flags=re.M) == ["10001:10001"]


def test_the_node_is_reached_from_outside_its_container() -> None:
    text = (APPS / "container" / "Dockerfile").read_text(encoding="utf-8")
    (node,) = re.findall(r"^FROM command AS node\n(?:.*\n)*?ENTRYPOINT (.+)$", text, flags=re.M)
    _, *words = json.loads(node)
    args = parser_for(words).parse_args([*words, "/spool", "--sender", "SCANNER", "--to", "PACS@pacs.example:4242"])
    assert (args.host, args.port, args.spool) == ("0.0.0.0", 11112, Path("/spool"))
    assert " ".join(["head-ct-anomaly", *words, "/srv/spool"]) in (ENGINES / "container.sh").read_text(encoding="utf-8")
