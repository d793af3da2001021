from __future__ import annotations

import io

import numpy as np
from PIL import Image

from scripts.sites.power.chart import POINT, chart
from scripts.sites.power.report import Share


def points(data: bytes) -> int:
    return int((np.asarray(Image.open(io.BytesIO(data))) == POINT).all(axis=-1).sum())


def share(kind: str, ml: float | None, interval: tuple[float, float] | None) -> Share:
    return Share(kind, ml, None, 3, 2, 4, 2, interval)


def test_each_share_at_a_volume_is_a_point_and_an_interval_a_line() -> None:
    alone = chart([share("subdural", 5.0, None)], "title")
    assert points(alone) > 20
    assert points(chart([share("subdural", 5.0, (0.2, 0.9))], "title")) > points(alone) + 100
    assert points(chart([share("subdural", None, (0.2, 0.9))], "title")) == 0


def test_the_same_shares_give_the_same_bytes_in_as_many_panels_as_kinds() -> None:
    many = [share(f"kind {number}", 5.0, (0.2, 0.9)) for number in range(6)]
    assert chart(many, "title") == chart(many, "title")
    one, six = (Image.open(io.BytesIO(chart(found, "title"))).size for found in (many[:1], many))
    assert six[0] > one[0]
    assert six[1] > one[1]
