"""`limits`: what is exactly at a limit is taken, and one byte more is not."""

from __future__ import annotations

import errno

import pytest

from scripts.service.limits import Limits, SpoolFull

LIMITS = Limits(image_bytes=10, study_bytes=15, free_bytes=100)


@pytest.mark.parametrize("case", [(10, 0, 1000), (10, 5, 1000), (10, 0, 110)])
def test_what_is_at_a_limit_is_taken(case: tuple[int, int, int]) -> None:
    LIMITS.check(*case)


@pytest.mark.parametrize(
    ("case", "number", "said"),
    [
        ((11, 0, 1000), errno.EFBIG, "an image of"),
        ((10, 6, 1000), errno.EFBIG, "a study of over"),
        ((10, 0, 109), errno.ENOSPC, "MiB of the disk are free"),
    ],
)
def test_one_byte_more_is_not(case: tuple[int, int, int], number: int, said: str) -> None:
    with pytest.raises(SpoolFull, match=said) as caught:
        LIMITS.check(*case)
    assert caught.value.errno == number
