"""Cases whose labels name a lesion, or that have a mask of one, are counted, and the first is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.datasets.datalist import Case
from scripts.errors import WrongUsage
from scripts.sites.healthy import check_healthy


def case(name: str, **labels: bool) -> Case:
    return Case(name, Path(name), labels=labels)


def test_known_lesions_are_refused() -> None:
    check_healthy([case("a", ICH=False), case("b")], "Scans are healthy")
    with pytest.raises(
        WrongUsage,
        match=r"^Scans are healthy, but b and 1 more have a label of a lesion \(ICH\)\. Leave 2 cases out of",
    ):
        check_healthy([case("a", ICH=False), case("b", ICH=True), case("c", Fracture=True)], "Scans are healthy")
    with pytest.raises(WrongUsage, match=r"but c has a label of a lesion \(Fracture\)\. Leave 1 case out of the list"):
        check_healthy([case("c", ICH=False, Fracture=True)], "Scans are healthy")


def test_masks_of_lesions_are_refused_as_labels_are() -> None:
    plain, masked = case("a", ICH=False), [Case(name, Path(name), mask=Path("lesion.nii.gz")) for name in ("b", "c")]
    with pytest.raises(
        WrongUsage,
        match=r"^Scans are healthy, but b has a mask of a lesion\. Leave 1 case out of the list, or the mask",
    ):
        check_healthy([plain, masked[0]], "Scans are healthy")
    with pytest.raises(WrongUsage, match=r"but b and 1 more have a mask of a lesion\. Leave 2 cases out"):
        check_healthy([plain, *masked], "Scans are healthy")
