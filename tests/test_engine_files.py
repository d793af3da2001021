"""What of containers and schedulers can be seen without them; `make engines` runs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
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


DOCKERFILE = (APPS / "container" / "Dockerfile").read_text(encoding="utf-8")
STAGES: dict[str, str] = {
    stage.split("\n", 1)[0].rsplit(" AS ")[1]: stage for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.M)[1:]
}
"""The text of each stage of the Dockerfile, by its name."""


def words(stage: str, instruction: str) -> list[str]:
    """The words of an instruction of a stage that is written as a list."""
    (text,) = re.findall(rf"{instruction} (\[.+\])$", STAGES[stage], flags=re.M)
    found: list[str] = json.loads(text)
    return found


def test_the_image_has_the_version_of_the_bundle_and_all_that_is_copied() -> None:
    assert f'image.version="{VERSION}"' in STAGES["runtime"]
    lines = (APPS / "container" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {word for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, flags=re.M) for word in line.split()}
    assert kept <= copied
    assert all(any(Path(name).is_relative_to(place) for place in kept) for name in copied)
    assert all((ROOT / name).exists() for name in copied)


def test_what_ships_has_no_user_and_what_serves_a_health_check() -> None:
    assert re.findall(r"^USER (\S+)", DOCKERFILE, flags=re.M) == ["10001:10001"]
    assert "\nUSER " in STAGES["runtime"]
    built_on = {name: stage.split()[0] for name, stage in STAGES.items()}
    assert {built_on[name] for name in ("cpu", "cuda", "node")} == {"command"}
    assert (built_on["command"], built_on["label"]) == ("runtime", "runtime")
    serving = {name for name, stage in STAGES.items() if "\nEXPOSE " in stage}
    assert serving == {name for name, stage in STAGES.items() if "\nHEALTHCHECK " in stage} == {"node", "label"}


def test_the_node_is_reached_from_outside_its_container() -> None:
    _, *given = words("node", "ENTRYPOINT")
    args = parser_for(given).parse_args([*given, "/spool", "--sender", "SCANNER", "--to", "PACS@pacs.example:4242"])
    assert (args.host, args.port, args.spool) == ("0.0.0.0", 11112, Path("/spool"))


def test_monai_label_is_reached_from_outside_and_finds_application_and_bundle() -> None:
    _, program, *given = words("label", "ENTRYPOINT")
    assert given == ["--host", "0.0.0.0", "--studies", "/data/studies"]
    place = re.findall(r"^WORKDIR (\S+)$", STAGES["label-packages"], flags=re.M)[0]
    assert program == f"{place}/start.py"
    assert "\nCOPY apps/label ./\n" in STAGES["label-packages"]
    assert f"\nCOPY bundle {Path(place).parents[1]}/bundle\n" in STAGES["label-packages"]


class Answering(BaseHTTPRequestHandler):
    """Answers `/info/` with a status."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/info/" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def is_healthy(stage: str, usual: int, port: int) -> bool:
    """True if the health check of a stage passes, at another port than the usual one."""
    *_, option, code = words(stage, "CMD")
    assert option == "-c"
    assert f"EXPOSE {usual}\n" in STAGES[stage]
    assert str(usual) in code
    run = subprocess.run([sys.executable, "-c", code.replace(str(usual), str(port))], capture_output=True)
    return run.returncode == 0


def test_health_checks_tell_a_server_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        assert is_healthy("label", 8000, port)
        assert is_healthy("node", 11112, port)
        monkeypatch.setattr(Answering, "status", 500)
        assert not is_healthy("label", 8000, port)
        server.shutdown()
    assert not is_healthy("label", 8000, port)
    assert not is_healthy("node", 11112, port)


@bash
def test_a_folder_of_other_files_is_not_cleared(tmp_path: Path) -> None:
    """Each script that clears folders begins so: what it names of its own may be somebody's."""
    clearing = [path for path in ENGINES.glob("*.sh") if re.search(r"^rm -rf", path.read_text(), flags=re.M)]
    assert {path.name for path in clearing} == {"docker.sh", "label.sh", "stand_in.sh"}
    for name in ("out", "list", "data"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").touch()
    before = sorted(tmp_path.rglob("*"))
    for path in clearing:
        done = subprocess.run([str(path), str(tmp_path), "24", "0"], capture_output=True, text=True, timeout=60)
        told = f"{tmp_path} holds other files, which would be cleared. Name a new or empty folder, "
        told += "or remove what an earlier version made.\n"
        assert (done.returncode, done.stderr) == (2, told), path.name
        assert sorted(tmp_path.rglob("*")) == before, path.name


@bash
def test_a_new_folder_may_be_cleared_again(tmp_path: Path) -> None:
    own = str(ENGINES / "own_folder.sh")
    for _ in range(2):
        subprocess.run([own, str(tmp_path / "deep" / "new")], check=True)
        (tmp_path / "deep" / "new" / "out").mkdir(exist_ok=True)
    subprocess.run([own, str(tmp_path / "deep" / "new" / "out")], check=True)
    (tmp_path / "file").write_text("x")
    assert subprocess.run([own, str(tmp_path / "file")], capture_output=True).returncode == 2


def test_no_script_of_an_engine_repeats_the_version() -> None:
    for path in ENGINES.glob("*.sh"):
        assert VERSION not in path.read_text(encoding="utf-8"), path.name


def test_every_run_of_an_engine_is_a_step_that_can_fail() -> None:
    check = (ENGINES / "check.sh").read_text(encoding="utf-8")
    shared = {"check.sh", "images.sh", "own_folder.sh", "same_tables.sh", "stand_in.sh"}
    for path in {path for path in ENGINES.glob("*.sh") if path.name not in shared}:
        assert re.search(rf"^step .*/{path.name}", check, flags=re.M), path.name
    for path in ENGINES.glob("*.sh"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*! ", text, flags=re.M), f"set -e lets `! command` of {path.name} pass"
