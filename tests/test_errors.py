"""`error_words`: texts of this package are shown, and none of anybody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from scripts.errors import OWN, debug_text, described, is_our_own, origin, text_of
from scripts.files.nifti import nifti_bytes
from scripts.results.record import check_name

PRIVATE = "Doe^Jane"


def error_of(function: Callable[..., object], *args: object) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        function(*args)
    return caught.value


def raised_here() -> None:
    raise ValueError(f"the patient is {PRIVATE}")


def ours_from(text: str, file: str = "fault.py") -> Callable[[], object]:
    """A function of a module that lies, as far as Python knows, in this package."""
    names: dict[str, Callable[[], object]] = {}
    exec(compile(f"def fault():\n    {text}", str(OWN / file), "exec"), names)
    return names["fault"]


@pytest.mark.parametrize(
    "fault",
    [
        raised_here,
        lambda: float(PRIVATE),
        lambda: pydicom.dcmread(Path("/tmp") / PRIVATE / "none.dcm"),
        ours_from(f"return int({PRIVATE!r})"),
        ours_from(f"return {{}}[{PRIVATE!r}]"),
        ours_from(f"assert not {PRIVATE!r}, {PRIVATE!r}", "../elsewhere.py"),
    ],
)
def test_no_text_of_others_and_of_python_itself(fault: Callable[[], object]) -> None:
    error = error_of(fault)
    assert PRIVATE in str(error)
    assert PRIVATE not in described(error)
    assert not is_our_own(error)


def test_of_the_operating_system_the_reason_is_shown() -> None:
    assert described(error_of((Path("/tmp") / PRIVATE).read_bytes)) == "FileNotFoundError: No such file or directory"


def test_our_own_texts_are_shown_in_one_line() -> None:
    error = error_of(check_name, "../x")
    assert is_our_own(error)
    assert described(error) == f"ValueError: {error}"
    assert text_of(error_of(ours_from("raise ValueError('a\\n  b')"))) == "a b"
    assert len(text_of(error_of(ours_from("raise ValueError('a' * 999)")))) == 300
    assert "must be 3-D or 4-D" in text_of(error_of(nifti_bytes, np.eye(2), np.eye(2)))
    assert described(ValueError("never raised")) == "ValueError"


def test_debug_shows_every_line_of_code_and_no_data() -> None:
    def outer() -> None:
        try:
            raised_here()
        except ValueError as error:
            raise RuntimeError(PRIVATE) from error

    def within() -> None:
        try:
            outer()
        except RuntimeError:
            check_name("/x")

    error = error_of(within)
    text = debug_text(error)
    assert text.count("Traceback (most recent call last):") == 3
    assert text.count("This led to the next error:") == 2
    assert (
        text.index("\nValueError\n") < text.index("\nRuntimeError\n") < text.index("ValueError: '/x' can't be the name")
    )
    assert "check_name" in text
    assert PRIVATE not in text
    assert origin(error.__context__ or error).args == (f"the patient is {PRIVATE}",)
