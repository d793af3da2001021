"""The scores as a DICOM Comprehensive 3D SR (TID 1500): measurements by region, algorithm, and quality.

One group of measurements a region: its score, the percentile among healthy scans, the threshold, the share of the
region in view, and the source image in which the map is highest. One group for each segment: its volume and the map's
maximum in it. One for the quality.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from highdicom import sr
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from ...preprocessing.regions import REGIONS
from .codes import (
    ANOMALY,
    COMMENT,
    COVERAGE,
    CT_PROCEDURE,
    MILLILITER,
    NOT_SCORED,
    PERCENT,
    PERCENTILE,
    SCORE,
    SCORING,
    SITES,
    THRESHOLD,
    UNITS,
    VERDICT,
    VERDICTS,
    VOLUME,
    schemes,
)
from .identity import MANUFACTURER, MODEL, Identity, finish
from .source import Source

NAME = "report"


@dataclass(frozen=True)
class Scored:
    """The reported data: a `result` as in result.json, map `values` and region `labels`, both (S, rows, columns)."""

    source: Source
    identity: Identity
    result: Mapping[str, Any]
    values: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @property
    def unit(self) -> sr.CodedConcept:
        """The unit of the map and of the scores."""
        return UNITS[self.result["map"]]

    def algorithm(self) -> sr.AlgorithmIdentification:
        """The algorithm that made the numbers: the bundle, its version, its weights and settings."""
        named = {**self.result["settings"], "map": self.result["map"], "weights_sha256": self.result["weights_sha256"]}
        parameters = [f"{name} = {value}" for name, value in named.items()]
        return sr.AlgorithmIdentification(MODEL, self.identity.version, parameters, manufacturer=MANUFACTURER)


def report(scored: Scored, segments: Dataset | None, masks: Mapping[str, NDArray[np.bool_]], number: int) -> Dataset:
    """The report; `segments` is the Segmentation of the `masks` (S, rows, columns), None where there are none."""
    groups: list[Any] = [region_group(scored, region) for region in REGIONS]
    for place, (region, mask) in enumerate(masks.items(), 1):
        assert segments is not None
        groups.append(segment_group(scored, region, mask, segments, place))
    groups.append(quality_group(scored))
    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=scored.identity.device_uid, name=MODEL, manufacturer_name=MANUFACTURER, model_name=MODEL
        ),
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=CT_PROCEDURE,
        imaging_measurements=groups,
    )
    content[0].ContentSequence.extend(comments(scored))
    shared: dict[str, Any] = scored.identity.object(NAME, number, "Anomaly scores")
    data = sr.Comprehensive3DSR(
        evidence=[*scored.source.images, *([] if segments is None else [segments])],
        content=content,
        is_complete=True,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        coding_schemes=schemes(),
        **shared,
    )
    return finish(data, scored.source, scored.identity, NAME)


def region_group(scored: Scored, region: str) -> sr.MeasurementsAndQualitativeEvaluations:
    """The numbers of one region, or that it has none."""
    shared: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(scored.identity.uid("score", region), region),
        "algorithm_id": scored.algorithm(),
        "finding_sites": [site_of(region)],
    }
    score, numbers = scored.result["scores"][region], scored.result["score_details"].get(region, {})
    share = numbers.get("coverage")
    seen = () if share is None else (sr.Measurement(COVERAGE, round(100 * share, 1), PERCENT),)
    if score is None:
        evaluations = [sr.QualitativeEvaluation(SCORING, NOT_SCORED)]
        return sr.MeasurementsAndQualitativeEvaluations(
            measurements=seen or None, qualitative_evaluations=evaluations, **shared
        )
    measured = (
        (SCORE, score, scored.unit),
        (PERCENTILE, numbers.get("percentile"), PERCENT),
        (THRESHOLD, numbers.get("threshold"), scored.unit),
    )
    inside = np.where(scored.labels == REGIONS[region], scored.values, -1)
    peak = scored.source.images[int(inside.max(axis=(1, 2)).argmax())]
    known = [sr.Measurement(name, float(value), unit) for name, value, unit in measured if value is not None]
    return sr.MeasurementsAndQualitativeEvaluations(
        measurements=[*known, *seen],
        source_images=[sr.SourceImageForMeasurementGroup.from_source_image(peak)],
        **shared,
    )


def segment_group(
    scored: Scored, region: str, mask: NDArray[np.bool_], segments: Dataset, place: int
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    """Volume of segment `place` and the map's maximum in it."""
    series = sr.SourceSeriesForSegmentation(scored.source.first.SeriesInstanceUID)
    highest = float(scored.values[mask].max())
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(scored.identity.uid("tracking", region), region),
        referenced_segment=sr.ReferencedSegment(
            segments.SOPClassUID, segments.SOPInstanceUID, place, source_series=series
        ),
        algorithm_id=scored.algorithm(),
        finding_type=ANOMALY,
        finding_sites=[site_of(region)],
        measurements=[
            sr.Measurement(VOLUME, volume_ml(scored.source, mask), MILLILITER),
            sr.Measurement(SCORE, highest, scored.unit, derivation=codes.SCT.Maximum),
        ],
    )


def quality_group(scored: Scored) -> sr.MeasurementsAndQualitativeEvaluations:
    """The verdict on the alignment."""
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(scored.identity.uid("quality"), "quality"),
        algorithm_id=scored.algorithm(),
        qualitative_evaluations=[sr.QualitativeEvaluation(VERDICT, VERDICTS[scored.result["quality"]["verdict"]])],
    )


def site_of(region: str) -> sr.FindingSite:
    """A region as coded anatomy."""
    anatomy, side = SITES[region]
    return sr.FindingSite(anatomy, laterality=side)


def volume_ml(source: Source, mask: NDArray[np.bool_]) -> float:
    """Volume of a mask (S, rows, columns) on the source slices, each of which reaches halfway to its neighbours."""
    heights = source.grid.heights_mm
    borders = np.concatenate([[1.5 * heights[0] - 0.5 * heights[1]], (heights[1:] + heights[:-1]) / 2])
    borders = np.append(borders, 1.5 * heights[-1] - 0.5 * heights[-2])
    area_mm2 = float(np.prod([float(value) for value in source.first.PixelSpacing]))
    return round(float((mask.sum(axis=(1, 2)) * np.diff(borders)).sum() * area_mm2 / 1000), 3)


def comments(scored: Scored) -> Iterator[sr.TextContentItem]:
    """Comments for the reader: that this is research, and every flag."""
    for text in (f"{scored.identity.statement}.", *(found["message"] for found in scored.result["findings"])):
        yield sr.TextContentItem(COMMENT, text, sr.RelationshipTypeValues.CONTAINS)
