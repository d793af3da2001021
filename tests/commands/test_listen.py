"""`head-ct-anomaly listen`: arguments, and a node that is killed."""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

import pytest

pytest.importorskip("highdicom")
pytest.importorskip("pynetdicom")
pytest.importorskip("dicomweb_client")

from pacs_kills import killed
from pacs_nodes import Archive, Process, free_port, send_until_taken, write_study

from scripts.commands import listen
from scripts.commands.listen import node_address
from scripts.commands.main import main, parser_for
from scripts.service.spool import Spool, key_of

# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

BASE = ["listen", "SPOOL"]


def parsed(*words: str) -> argparse.Namespace:
    return parser_for(["listen"]).parse_args([*BASE, *words])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--to", "PACS@h:4242"], "Name the AE titles to take studies from"),
        (["--sender", "SCANNER"], "Say where the results go"),
        (["--once", "--to", "PACS@h:4242", "--study", "1.2"], "name it with --dicomweb"),
    ],
)
def test_what_is_missing_is_said(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BASE, *words]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("text", ["PACS", "PACS@host", "PACS@host:x", "PACS@host:0", "@host:1", "P" * 17 + "@h:1"])
def test_an_address_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*BASE, "--to", text])
    assert "is no" in capsys.readouterr().err


def test_defaults_keep_to_this_machine() -> None:
    args = parsed("--sender", "SCANNER", "--to", "PACS@10.0.0.1:4242", "--stride", "4", "--device", "cpu")
    assert (args.host, args.port, args.sender) == ("127.0.0.1", 11112, ["SCANNER"])
    assert node_address("PACS@10.0.0.1:4242") == args.to == ("PACS", "10.0.0.1", 4242)
    assert dict(listen.values_of(args)) == {"stride": 4, "device": "$torch.device('cpu')"}


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(listen, "find_spec", lambda name: None if name == "pynetdicom" else object())
    assert main([*BASE, "--sender", "A", "--to", "PACS@h:1"]) == 2
    assert 'needs the package pynetdicom: pip install "head-ct-position-anomaly[pacs]"' in capsys.readouterr().err


def test_a_port_in_use_and_a_spool_in_use_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    words = ["listen", str(tmp_path), "--port", str(port), "--sender", "A", "--to", "PACS@127.0.0.1:1"]
    with Archive().open(port):
        assert main(words) == 4
    assert f"Port {port} of 127.0.0.1 can't be used" in capsys.readouterr().err
    with Spool(tmp_path).owned():
        assert main(words) == 2
    assert "Another process works with" in capsys.readouterr().err


def test_nothing_is_lost_and_nothing_worked_twice_by_a_node_that_is_killed(tmp_path: Path) -> None:
    found = killed(tmp_path, studies=3, kills=2)
    gc.collect()  # the sockets, while the mark of this module holds
    assert (found["with results"], found["objects"], found["worked"]) == (3, 12, 3)
    assert (found["worked twice"], found["with two reports"], found["refused"], found["left"]) == (0, 0, 0, 0)


def test_a_study_that_keeps_growing_is_worked_when_it_is_whole(tmp_path: Path) -> None:
    files = write_study(tmp_path / "in", 0)
    archive, port = Archive(), free_port()
    node = Process(tmp_path, free_port(), "--sender", "SCANNER", "--to", f"PACS@127.0.0.1:{port}", "--quiet-s", "3")
    with archive.open(port):
        node.start()
        try:
            node.wait_until_up()
            for start in range(0, len(files), 5):
                send_until_taken(node.port, files[start : start + 5])
            assert node.count("incoming") == 1
            node.wait(lambda: node.count("sent") == 1)
        finally:
            node.end()
    assert node.done.read_text().split() == [key_of("1.2.3.1")]
    frames = [data.NumberOfFrames for data in archive.data.values() if data.SOPClassUID.endswith(".30")]
    assert frames == [20]


@pytest.mark.parametrize("word", ["--force", "--accept-review"])
def test_a_node_is_strict(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["listen", str(tmp_path), "--to", "A@127.0.0.1:104", "--any-sender", word])
    assert f"unrecognized arguments: {word}" in capsys.readouterr().err
