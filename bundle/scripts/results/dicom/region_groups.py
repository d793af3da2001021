"""The report's group of measurements of a region: its score, inferred from the point of its peak, and where it stands.

A region without a score has no group, but an evaluation: viewers take every group to have a place, and OHIF 3.12 shows
nothing of a report in which one has none.
"""

from __future__ import annotations

import numpy as np
from highdicom import sr

from ...preprocessing.regions import REGIONS
from ...statistics.alpha import ALPHA
from .codes import ALPHA_RATE, COVERAGE, PERCENT, PERCENTILE, SCORES, SITES, THRESHOLD, THRESHOLD_BY_ALPHA
from .report_words import region_name
from .scored import Scored


def region_group(
    scored: Scored, region: str, algorithm: sr.AlgorithmIdentification
) -> sr.MeasurementsAndQualitativeEvaluations:
    """The numbers of a region that has a score."""
    numbers, unit = scored.result["score_details"].get(region, {}), scored.unit(region)
    site, side = SITES[region]
    score = sr.Measurement(
        SCORES[scored.result["map"]],
        round(float(scored.result["scores"][region]), 2),
        unit,
        referenced_coordinates=[peak_of(scored, region)],
    )
    limit, alpha = numbers.get("threshold"), scored.result["settings"].get("alpha", ALPHA)
    more = (
        (THRESHOLD if alpha == ALPHA else THRESHOLD_BY_ALPHA, limit, 1, unit),
        (ALPHA_RATE, None if limit is None or alpha == ALPHA else alpha, 100, PERCENT),
        (PERCENTILE, numbers.get("percentile"), 1, PERCENT),
        (COVERAGE, numbers.get("coverage"), 100, PERCENT),
    )
    known = [sr.Measurement(name, round(by * float(value), 2), of) for name, value, by, of in more if value is not None]
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(scored.identity.uid("score", region), region_name(region)),
        algorithm_id=algorithm,
        finding_sites=[sr.FindingSite(site, side)],
        measurements=[score, *known],
    )


def peak_of(scored: Scored, region: str) -> sr.CoordinatesForMeasurement:
    """The point at which the map is highest in a region, on its source image."""
    inside = np.where(scored.regions == REGIONS[region], scored.values, -np.inf)
    at, row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    return sr.CoordinatesForMeasurement(
        sr.GraphicTypeValues.POINT,
        np.array([[column + 0.5, row + 0.5]], dtype=np.float32),
        sr.SourceImageForRegion.from_source_image(scored.source.images[int(at)]),
    )
