"""The lines of the log about what came over an association, and the reasons of refusals."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("pynetdicom")

from scripts.service.association import NAMED, Delivery, class_name, peer, refusal_reason

REPORT = "1.2.840.10008.5.1.4.1.1.88.67"


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        (Delivery(), ""),
        (Delivery(stored=1), "1 CT image"),
        (Delivery(stored=2, held=3), "5 CT images; 3 of them stored before"),
        (Delivery(dropped=Counter({REPORT: 2})), "0 CT images; dropped, since it is not CT: 2 X-Ray Radiation Dose SR"),
    ],
)
def test_a_delivery_in_words(delivery: Delivery, words: str) -> None:
    summary = delivery.summary()
    assert summary == words or (delivery.dropped and summary.startswith(words))


def test_of_many_classes_the_most_frequent_are_named() -> None:
    classes = Counter({f"1.2.840.10008.5.1.4.1.1.{end}": end for end in (1, 4, 7, 20, 30, 128, 481)})
    summary = Delivery(dropped=Counter({str(uid): count for uid, count in classes.items()})).summary()
    assert summary.count(",") == 1 + NAMED - 1
    assert "128 Positron Emission Tomography Image Storage" in summary
    assert summary.endswith("and 5 more"), "1 of computed radiography, 4 of MR"


@pytest.mark.parametrize("uid", ["1.3.12.2.1107.5.9.1", "DOE^JANE.1950"])
def test_what_has_no_name_is_not_shown(uid: str) -> None:
    assert class_name(uid) == "a private class"


def association(calling: str, source: int = 1, diagnostic: int = 3) -> Any:
    request = SimpleNamespace(calling_ae_title=calling, called_ae_title="OTHER")
    address = SimpleNamespace(address="10.0.0.7")
    answer = SimpleNamespace(result_source=source, diagnostic=diagnostic)
    return SimpleNamespace(
        requestor=SimpleNamespace(primitive=request, address_info=address), acceptor=SimpleNamespace(primitive=answer)
    )


@pytest.mark.parametrize(
    ("calling", "shown"), [("SCANNER\0\0 ", "SCANNER"), ("A\x1bB", "A?B"), ("\0 ", "a sender without an AE title")]
)
def test_senders_are_named_as_they_may_be(calling: str, shown: str) -> None:
    assert peer(association(calling)) == f"{shown} at 10.0.0.7"


@pytest.mark.parametrize(
    ("source", "diagnostic", "text"),
    [
        (1, 3, "this AE title is not named with --sender"),
        (1, 7, "it called OTHER, and this node is NODE (--ae-title)"),
        (3, 2, "10 senders are connected already; it may try again"),
        (2, 1, "source 2 and diagnostic 1 of DICOM PS3.8 table 9-21"),
    ],
)
def test_reasons(source: int, diagnostic: int, text: str) -> None:
    assert refusal_reason(association("A", source, diagnostic), "NODE", 10) == text
