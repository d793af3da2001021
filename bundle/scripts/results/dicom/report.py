"""The result as a DICOM Comprehensive 3D SR (TID 1500): sentences, places with their outlines, scores, and quality.

It begins with the result in sentences. One group of measurements a place: its outline in the slice of its peak, on the
source image, which viewers list, jump to and draw (OHIF draws closed polylines); its sizes, peak and density. Then one
group a region with a score: the score and the point of its peak, the threshold, the percentile among healthy scans, and
the share of the region in view. The first group names the parameters of the algorithm. Last, evaluations: regions
without a score, and the verdict on the alignment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from ...preprocessing.regions import REGIONS
from .codes import COMMENT, CT_OF_HEAD, EVALUATIONS, NOT_SCORED, SCORING, SITES, SUMMARY, VERDICT, VERDICTS, schemes
from .identity import MANUFACTURER, MODEL, finish
from .place_groups import place_group
from .region_groups import region_group
from .report_words import by_excess, scores_in_short, scores_in_words
from .scored import Scored

NAME = "report"

MEASUREMENTS = "126010"
"""Code (DCM) of the part of the report that has the groups; the sentences stand before it."""

CONTAINS = sr.RelationshipTypeValues.CONTAINS


def report(scored: Scored, number: int) -> Dataset:
    """The report."""
    observer = sr.ObserverContext(
        observer_type=sr.CodedConcept("121007", "DCM", "Device"),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=scored.identity.device_uid, name=MODEL, manufacturer_name=MANUFACTURER, model_name=MODEL
        ),
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=CT_OF_HEAD,
        imaging_measurements=groups(scored),
    )
    items = content[0].ContentSequence
    start = next(at for at, item in enumerate(items) if item.ConceptNameCodeSequence[0].CodeValue == MEASUREMENTS)
    for at, item in enumerate(sentences(scored)):
        items.insert(start + at, item)
    items.append(evaluations(scored))
    shared: dict[str, Any] = scored.identity.object(NAME, number, scores_in_short(scored.result))
    data = sr.Comprehensive3DSR(
        evidence=list(scored.source.images),
        content=content,
        is_complete=True,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        coding_schemes=schemes(),
        **shared,
    )
    return finish(data, scored.source, scored.identity, NAME)


def groups(scored: Scored) -> list[Any]:
    """Places, then regions, each with the algorithm; the first with its parameters."""
    algorithms = iter([scored.whole_algorithm()])
    listed: list[Any] = [place_group(scored, one, next(algorithms, scored.algorithm())) for one in scored.places]
    for region in by_excess(scored.result):
        if scored.result["scores"][region] is not None:
            listed.append(region_group(scored, region, next(algorithms, scored.algorithm())))
    return listed or [no_score(scored, next(algorithms))]


def no_score(scored: Scored, algorithm: sr.AlgorithmIdentification) -> sr.MeasurementsAndQualitativeEvaluations:
    """The only group of a report without places and scores, since TID 1500 asks for one."""
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(scored.identity.uid("score", "none"), "No region has a score"),
        algorithm_id=algorithm,
        qualitative_evaluations=[sr.QualitativeEvaluation(SCORING, NOT_SCORED)],
    )


def evaluations(scored: Scored) -> sr.ContainerContentItem:
    """The regions without a score, and the verdict on the alignment."""
    container = sr.ContainerContentItem(EVALUATIONS, relationship_type=CONTAINS)
    found: list[Any] = []
    for region in REGIONS:
        if scored.result["scores"][region] is None:
            item = sr.CodeContentItem(SCORING, NOT_SCORED, CONTAINS)
            site, side = SITES[region]
            item.ContentSequence = sr.ContentSequence([sr.FindingSite(site, side)], is_root=False)
            found.append(item)
    found.append(sr.CodeContentItem(VERDICT, VERDICTS[scored.result["quality"]["verdict"]], CONTAINS))
    container.ContentSequence = sr.ContentSequence(found, is_root=False)
    return container


def sentences(scored: Scored) -> Iterator[sr.TextContentItem]:
    """Text for the reader: the scores, what was found, that this is research, and every flag."""
    summary = f"{scores_in_words(scored.result)} {scored.result['summary']}".strip()
    comments = [f"{scored.identity.statement}.", *(found["message"] for found in scored.result["findings"])]
    for name, text in ((SUMMARY, summary), *((COMMENT, comment) for comment in comments)):
        yield sr.TextContentItem(name, text, CONTAINS)
