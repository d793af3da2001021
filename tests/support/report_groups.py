"""Measurement groups of a Structured Report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset


def items(data: Dataset) -> Iterator[Dataset]:
    """All content items below a data set, depth first."""
    for item in data.get("ContentSequence", []):
        yield item
        yield from items(item)


def name_of(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def groups(data: Dataset) -> list[dict[str, Any]]:
    """Every measurement group: its identifier, site, side, and numbers by name."""
    found = []
    for group in items(data):
        if group.ValueType != "CONTAINER" or name_of(group) != "Measurement Group":
            continue
        facts: dict[str, Any] = {"numbers": {}, "codes": {}}
        for item in items(group):
            if item.ValueType == "NUM":
                facts["numbers"][name_of(item)] = float(item.MeasuredValueSequence[0].NumericValue)
            elif item.ValueType == "CODE":
                facts["codes"][name_of(item)] = str(item.ConceptCodeSequence[0].CodeMeaning)
            elif item.ValueType == "TEXT":
                facts[name_of(item)] = [*facts.get(name_of(item), []), str(item.TextValue)]
            elif item.ValueType == "IMAGE":
                facts[name_of(item)] = item.ReferencedSOPSequence[0]
        found.append(facts)
    return found
