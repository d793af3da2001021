"""`head-ct-anomaly listen`: arguments, and a node that is killed."""

from __future__ import annotations

import argparse
import gc
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("highdicom")
pytest.importorskip("pynetdicom")
pytest.importorskip("dicomweb_client")

import pydicom
from certificates import Authority
from pacs_kills import killed
from pacs_nodes import Archive, Process, free_port, send_until_taken, write_study

from scripts.assets import asset
from scripts.commands import listen
from scripts.commands.addresses import node_address
from scripts.commands.main import main, parser_for
from scripts.errors import OutputFailed, WrongUsage
from scripts.service.dicomweb import WebNode
from scripts.service.limits import Limits
from scripts.service.spool import Spool, key_of

# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

BASE = ["listen", "SPOOL"]
TLS = ["--tls-certificate", "none/c.pem", "--tls-key", "none/k.pem", "--tls-authority", "none/a.pem"]


def parsed(*words: str) -> argparse.Namespace:
    return parser_for(["listen"]).parse_args([*BASE, *words])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--to", "PACS@h:4242"], "Name the AE titles to take studies from"),
        (["--sender", "SCANNER"], "Say where the results go"),
        (["--once", "--to", "PACS@h:4242", "--study", "1.2"], "name it with --dicomweb"),
        (["--sender", "A", "--to", "P@h:1", "--tls-key", "k"], "TLS needs all of --tls-certificate, --tls-key, --tls-"),
        (["--sender", "A", "--to", "P@h:1", "--to-tls"], "TLS needs all of"),
        (["--sender", "A", "--dicomweb", "http://h", *TLS, "--to-tls"], "name it with --to AE@HOST:PORT"),
        (["--sender", "A", "--to", "P@h:1", *TLS], "The TLS authority can't be used (No such file or directory)"),
    ],
)
def test_what_is_missing_is_said(
    words: list[str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*BASE, *words]) == 2
    assert text in capsys.readouterr().err


def test_an_address_of_ipv6_and_a_port_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert node_address("PACS@[::1]:104") == ("PACS", "::1", 104)
    for text in ("0", "70000", "-1", "x"):
        with pytest.raises(SystemExit, match="2"):
            main([*BASE, f"--port={text}"])
        assert "is no port: 1 to 65535" in capsys.readouterr().err


def test_a_server_s_address_that_is_none_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["listen", str(tmp_path / "spool"), "--sender", "A", "--dicomweb", "127.0.0.1:8042/dicom-web"]
    assert main(words) == 2
    assert "is no address of a DICOMweb server. Say --dicomweb http://" in capsys.readouterr().err


def test_a_host_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["listen", str(tmp_path / "spool"), "--sender", "A", "--to", "P@h:1", "--host", "a..b"]
    assert main(words) == 4
    assert "can't be used" in capsys.readouterr().err.splitlines()[-1]


def test_half_a_study_is_not_worked_as_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(self: WebNode, study_uid: str) -> Iterator[tuple[str, bytes]]:
        yield "1.2.1", b"one"
        raise WrongUsage("the server went away")

    monkeypatch.setattr(WebNode, "images", breaks_off)
    words = ["listen", str(tmp_path / "spool"), "--once", "--dicomweb", "http://127.0.0.1:1", "--study", "1.2"]
    assert main(words) == 2
    assert main([*words[:-2], "--min-free-mib", "1"]) == 0, "nothing is whole, so nothing is worked"
    spool = Spool(tmp_path / "spool")
    assert spool.keys("incoming") == [key_of("1.2")]
    assert spool.coming() == []
    monkeypatch.setattr(WebNode, "images", lambda *_: iter([("1.2.1", b"one"), ("1.2.2", b"two")]))
    listen.fetch(spool, "http://127.0.0.1:1", "1.2")
    assert spool.coming() == [key_of("1.2")]


@pytest.mark.parametrize(
    "text",
    [
        *("PACS", "PACS@host", "PACS@host:x", "PACS@host:0", "@host:1", "P" * 17 + "@h:1"),
        *(f"PACS@{'h' * 64}:104", f"PACS@{'h' * 9999}:104", "PACS@a..b:104", "PACS@\udcff:104"),
    ],
)
def test_an_address_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*BASE, "--to", text])
    said = capsys.readouterr().err
    assert "is no" in said
    assert len(said.splitlines()[-1]) < 200


def test_defaults_keep_to_this_machine() -> None:
    args = parsed("--sender", "SCANNER", "--to", "PACS@10.0.0.1:4242", "--stride", "4", "--device", "cpu")
    assert (args.host, args.port, args.sender) == ("127.0.0.1", 11112, ["SCANNER"])
    assert node_address("PACS@10.0.0.1:4242") == args.to == ("PACS", "10.0.0.1", 4242)
    assert dict(listen.values_of(args)) == {"stride": 4, "device": "$torch.device('cpu')", "report": True}
    assert dict(listen.values_of(parsed("--sender", "A", "--to", "PACS@h:1", "--no-report")))["report"] is False
    args.alpha = 0.01
    assert dict(listen.values_of(args))["alpha"] == 0.01
    args.alpha = 0.001
    assert listen.usage_problem(args).startswith("alpha 0.001 is too small for 168 healthy hemispheres")


def test_a_node_judges_by_the_weights_and_the_calibration_that_are_named(tmp_path: Path) -> None:
    weights = tmp_path / "density.pt"
    weights.write_bytes(b"another network")
    named = ("--sender", "A", "--to", "PACS@h:1", "--evidence-weights", str(weights), "--calibration", str(tmp_path))
    args = parsed(*named)
    values = dict(listen.values_of(args))
    assert (values["evidence_weights"], values["thresholds"]) == (weights, tmp_path / "thresholds.json")
    assert listen.usage_problem(args).startswith("There is no thresholds.json.")
    args.calibration = Path(asset("models/thresholds.json")).parent
    assert listen.usage_problem(args).startswith("The calibration was made with another file than this density.pt.")
    weights.unlink()
    assert listen.usage_problem(args) == f"There are no weights at {weights}. Check --evidence-weights."
    args.evidence_weights = None
    assert listen.usage_problem(args) == ""


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(
            (name, text)
            for name in ("--quiet-s", "--unfinished-s", "--keep-days")
            for text in ("-1", "nan", "inf", "x")
        ),
        *((name, text) for name in ("--max-image-mib", "--max-study-mib") for text in ("0", "-1", "1.5")),
        *(("--min-free-mib", text) for text in ("-1", "1.5")),
    ],
)
def test_numbers_that_can_not_be_are_wrong_usage(option: str, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parsed(f"{option}={wrong}")
    assert f"argument {option}:" in capsys.readouterr().err
    zero = "1" if option.startswith("--max") else "0"
    assert getattr(parsed(f"{option}={zero}"), option[2:].replace("-", "_")) == int(zero)


def test_a_spool_that_can_not_be_made_is_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["listen", str(tmp_path / "file"), "--sender", "A", "--to", "PACS@127.0.0.1:1"]) == 4
    assert f"The results were not written to {tmp_path / 'file'}: Not a directory." in capsys.readouterr().err


def test_a_fetched_study_without_room_names_spool_reason_and_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebNode, "images", lambda self, uid: iter([("1.2.1", b"image")]))
    spool = Spool(tmp_path, Limits(image_bytes=4))
    words = (
        rf"The study has no room in {tmp_path}: an image of over 0 MiB\. Free some space, "
        r"or change --max-image-mib, --max-study-mib or --min-free-mib\."
    )
    with pytest.raises(OutputFailed, match=words):
        listen.fetch(spool, "http://h", "1.2")


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
    found = killed(tmp_path, studies=2, kills=2, quiet_s=1, most_s=2)
    gc.collect()  # the sockets, while the mark of this module holds
    assert (found["with results"], found["objects"], found["worked"]) == (2, 10, 2)
    assert (found["worked twice"], found["with two reports"], found["refused"], found["left"]) == (0, 0, 0, 0)


def misnamed(file: Path) -> Path:
    """An image whose UIDs are a patient's name, as some anonymisers write them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of them, with the value
        data = pydicom.dcmread(file)
        data.StudyInstanceUID = data.SeriesInstanceUID = "DOE^JANE.1950"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "DOE^JANE.1950.1"
        data.save_as(file)
    return file


def test_a_study_that_keeps_growing_is_worked_when_it_is_whole(tmp_path: Path) -> None:
    """Over TLS both ways. Beside it comes an image whose UIDs hold a name, of which libraries would warn."""
    files = write_study(tmp_path / "in", 0)
    (named,) = map(misnamed, write_study(tmp_path / "named", 1, 1))
    archive, port, authority = Archive(), free_port(), Authority(tmp_path / "tls", "hospital")
    own, tls = authority.sign("node"), authority.sign("scanner").context(server=False)
    files_of = [word for name, path in vars(own).items() for word in (f"--tls-{name}", str(path))]
    words = ["--sender", "SCANNER", "--to", f"PACS@localhost:{port}", "--to-tls", "--quiet-s", "3", *files_of]
    node = Process(tmp_path, free_port(), *words)
    with archive.open(port, authority.sign("pacs").context(server=True)):
        node.start()
        try:
            node.wait_until_up()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                send_until_taken(node.port, [named], tls)
            for part in (files[:15], files[15:]):
                send_until_taken(node.port, part, tls)
            assert node.count("incoming") == 2
            node.wait(lambda: node.count("sent") == 1 and node.count("refused") == 1)
        finally:
            node.end()
    assert node.done.read_text().split() == [key_of("1.2.3.1")]
    frames = [data.NumberOfFrames for data in archive.data.values() if data.SOPClassUID.endswith(".30")]
    assert frames == [20]
    log = node.log.read_text().splitlines()
    assert f"listening as HEADCTANOMALY on 127.0.0.1:{node.port} over TLS" in log[0]
    assert all(re.match(r"\d{4}-\d\d-\d\d [\d:,]+ (INFO|WARNING|ERROR) ", line) for line in log), log
    assert not [line for line in log if "DOE" in line or "JANE" in line]


@pytest.mark.parametrize("word", ["--force", "--accept-review"])
def test_a_node_is_strict(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["listen", str(tmp_path), "--to", "A@127.0.0.1:104", "--any-sender", word])
    assert f"unrecognized arguments: {word}" in capsys.readouterr().err
