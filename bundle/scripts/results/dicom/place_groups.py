"""The report's group of measurements of a place: its outline in the slice of its peak, its peak and its sizes.

Its tracking identifier and UID are those of its segment. OHIF 3.12 lists a group in its panel of measurements if the
identifier begins as that of its own arrows, see `Place.tracking`, and the first number is inferred from a point. There
it draws the arrow, and the comment is its text and its name in the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from highdicom import sr
from numpy.typing import NDArray

from .codes import (
    ABNORMAL,
    ATTENUATION,
    COMMENT,
    DEPTH,
    EXTENT,
    HOUNSFIELD,
    LENGTH,
    MAXIMUM,
    MEAN,
    MILLILITER,
    MILLIMETER,
    SCORES,
    VOLUME,
    WIDTH,
    sites_of,
)
from .frames import RAS_TO_LPS
from .outline import Points, circle, outline
from .places import Place
from .scored import Scored
from .source import Source


def place_group(
    scored: Scored, place: Place, algorithm: sr.AlgorithmIdentification
) -> sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    """The group of a place."""
    at, line = drawn(scored, place)
    image = sr.SourceImageForRegion.from_source_image(scored.source.images[at])
    group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(scored.identity.uid("tracking", str(place.number)), place.tracking),
        referenced_region=sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, line.astype(np.float32), image),
        algorithm_id=algorithm,
        finding_type=ABNORMAL,
        finding_sites=[sr.FindingSite(site, side) for site, side in sites_of(place.region, place.row)],
        measurements=list(sizes(scored, place)),
    )
    items = group[0].ContentSequence
    peak = next(item for item in items if item.ValueType == "NUM")
    point = pointed(scored, place, at).astype(np.float32)[None]
    where = sr.CoordinatesForMeasurement(sr.GraphicTypeValues.POINT, point, image)
    peak.ContentSequence.append(where)  # highdicom takes none, but the template may be extended
    items.append(sr.TextContentItem(COMMENT, comment(scored, place), sr.RelationshipTypeValues.CONTAINS))
    return group


def comment(scored: Scored, place: Place) -> str:
    """The place with its first two numbers: "Anomaly 1, left frontal lobe: score 8.3, 14.1 ml"."""
    score, *more = (item[0].MeasuredValueSequence[0] for item in sizes(scored, place))
    size = [f"{one.NumericValue} {one.MeasurementUnitsCodeSequence[0].CodeValue}" for one in more[:1]]
    return f"{place.label}: {', '.join([f'score {score.NumericValue}', *size])}"


def sizes(scored: Scored, place: Place) -> Iterator[sr.Measurement]:
    """The measurements of a place, its peak first: those of its row, or maximum and volume of a region."""
    score, unit = SCORES[scored.result["map"]], scored.unit(place.region)
    row: Any = place.row
    if row is None:
        mask = scored.numbers == place.number
        yield sr.Measurement(score, round(float(scored.values[mask].max()), 1), unit, derivation=MAXIMUM)
        yield sr.Measurement(VOLUME, round(volume_ml(scored.source, mask), 1), MILLILITER)
        return
    yield sr.Measurement(score, round(float(row["peak"]), 1), unit, derivation=MAXIMUM)
    for name, key, what in (
        (VOLUME, "volume_ml", MILLILITER),
        (EXTENT, "extent_mm", MILLIMETER),
        (LENGTH, "length_mm", MILLIMETER),
        (WIDTH, "width_mm", MILLIMETER),
        (DEPTH, "depth_mm", MILLIMETER),
    ):
        if row.get(key) is not None:
            yield sr.Measurement(name, round(float(row[key]), 1), what)
    if row.get("mean_hu") is not None:
        yield sr.Measurement(ATTENUATION, round(float(row["mean_hu"])), HOUNSFIELD, derivation=MEAN)


def drawn(scored: Scored, place: Place) -> tuple[int, Points]:
    """Number of the source slice in which a place is drawn, from 0, and its outline there, see `outline`.

    It is the slice of the peak, or where the place has no voxel in that one, the slice in which it is largest. A place
    without a voxel in any slice is a circle around its peak.
    """
    mask = scored.numbers == place.number
    areas = mask.sum(axis=(1, 2))
    if place.row is None:
        return (at := int(np.where(mask, scored.values, -np.inf).max(axis=(1, 2)).argmax())), outline(mask[at])
    at, point = pixel_of(scored.source, np.asarray(place.row["peak_mm"], dtype=float))
    if not areas.any():
        rows, columns = (float(value) for value in scored.source.first.PixelSpacing)
        return at, circle(point, (rows, columns))
    at = at if areas[at] else int(areas.argmax())
    return at, outline(mask[at])


def pointed(scored: Scored, place: Place, at: int) -> Points:
    """The point (column, row) of the peak of a place that is drawn in slice `at`, see `outline`.

    Where the peak lies in another slice, it is the highest point of the place in this one.
    """
    if place.row is not None:
        near, point = pixel_of(scored.source, np.asarray(place.row["peak_mm"], dtype=float))
        if near == at:
            return point
    inside = np.where(scored.numbers[at] == place.number, scored.values[at], -np.inf)
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    return np.array([column + 0.5, row + 0.5])


def pixel_of(source: Source, point_mm: NDArray[np.float64]) -> tuple[int, Points]:
    """The source slice nearest to a point (3,) in RAS mm, from 0, and the point (column, row) in it, see `outline`."""
    lps = point_mm * RAS_TO_LPS
    across, down = np.split(np.array(source.first.ImageOrientationPatient, dtype=float), 2)
    at = int(np.abs(source.grid.heights_mm - lps @ np.cross(across, down)).argmin())
    offset = lps - np.array(source.images[at].ImagePositionPatient, dtype=float)
    rows, columns = (float(value) for value in source.first.PixelSpacing)
    return at, np.array([offset @ across / columns + 0.5, offset @ down / rows + 0.5])


def volume_ml(source: Source, mask: NDArray[np.bool_]) -> float:
    """Volume of a mask (S, rows, columns) on the source slices, each of which reaches halfway to its neighbours."""
    heights = source.grid.heights_mm
    borders = np.concatenate([[1.5 * heights[0] - 0.5 * heights[1]], (heights[1:] + heights[:-1]) / 2])
    borders = np.append(borders, 1.5 * heights[-1] - 0.5 * heights[-2])
    area_mm2 = float(np.prod([float(value) for value in source.first.PixelSpacing]))
    return float((mask.sum(axis=(1, 2)) * np.diff(borders)).sum() * area_mm2 / 1000)
