"""The frozen protocol: its words are what the code does, and nobody moves when another case is lacking."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from reproduction.cq500.protocol import PATH, load_protocol
from reproduction.cq500.reads import MAJORITY
from reproduction.cq500.split import CLEAN, DOUBTFUL
from scripts.cohort.operating import PREVALENCES
from scripts.cohort.tasks import LABELS, SPECIFICITIES
from scripts.preprocessing.regions import REGIONS

NAMES = [f"CQ500-CT-{number}" for number in range(491)]
FROZEN = "59b14d8bc014ae83a7551904937cbb5f41a53c6df726756850793d4b6e84462e"


def test_its_numbers_are_those_of_the_code() -> None:
    content = load_protocol().content
    assert content["score"]["columns"] == list(REGIONS)
    assert tuple(content["measures"]["specificities"]) == SPECIFICITIES
    assert tuple(content["measures"]["prevalences"]) == PREVALENCES
    assert set(content["tasks"]) == set(LABELS)
    assert f"at least {MAJORITY} of the 3 readers" in content["labels"]["vote"]


def test_its_hash_is_that_of_the_file_and_of_this_version() -> None:
    """A change of the file without another version makes earlier cards wrong."""
    protocol = load_protocol()
    assert protocol.sha256 == hashlib.sha256(PATH.read_bytes()).hexdigest()
    assert (protocol.version, protocol.sha256) == (1, FROZEN)


def test_a_share_is_the_beginning_of_a_hash() -> None:
    protocol = load_protocol()
    text = f"{protocol.content['split']['salt']}CQ500-CT-7"
    assert protocol.share("CQ500-CT-7") == int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


def test_the_ill_are_all_in_the_test_and_the_healthy_by_their_names() -> None:
    protocol = load_protocol()
    assert {protocol.section(name, "haemorrhage+fracture") for name in NAMES} == {"test"}
    clean = protocol.sections(dict.fromkeys(NAMES, CLEAN))
    counts = {section: list(clean.values()).count(section) for section in ("training", "validation", "test")}
    assert len(clean) == 491
    assert counts["test"] == pytest.approx(0.3 * 491, abs=30)
    assert counts["validation"] == pytest.approx(0.07 * 491, abs=15)
    doubtful = protocol.sections(dict.fromkeys(NAMES, DOUBTFUL))
    assert set(doubtful.values()) == {"test"}
    assert set(doubtful) == {name for name, section in clean.items() if section == "test"}
    fewer = protocol.sections(dict.fromkeys(NAMES[::3], CLEAN))
    assert fewer == {name: clean[name] for name in NAMES[::3]}


def test_another_format_is_said(tmp_path: Path) -> None:
    (tmp_path / "protocol.json").write_text('{"format": "x"}')
    with pytest.raises(ValueError, match=r"protocol\.json is of another format than"):
        load_protocol(tmp_path / "protocol.json")
