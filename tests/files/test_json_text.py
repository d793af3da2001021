"""JSON as it is written: strict, in order, and with plain values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from scripts.files.json_text import json_text, plain


def test_json_is_strict() -> None:
    content = {"z": np.float32(0.5), "a": (np.nan, np.inf, np.arange(2)), "n": {"ü": np.bool_(True), 1: None}}
    text = json_text(content)
    assert json.loads(text) == {"z": 0.5, "a": [None, None, [0, 1]], "n": {"ü": True, "1": None}}
    assert text.startswith('{\n  "z"')
    assert "ü" in text
    with pytest.raises(TypeError, match="not JSON serializable"):
        json_text({"path": Path("x")})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.tensor(2), 2),
        (np.float32(0.5), 0.5),
        (np.array([[1, 2]]), [[1, 2]]),
        (MetaTensor(torch.ones(2)), [1.0, 1.0]),
        ({"a": (torch.tensor([1]), None)}, {"a": [[1], None]}),
        ({1: "x"}, {"1": "x"}),
        ("text", "text"),
        (None, None),
    ],
)
def test_plain_values(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
