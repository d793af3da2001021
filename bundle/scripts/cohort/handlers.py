"""The event handler of evaluate.json: a cohort's table of scores and its evaluation, when the last case is scored.

What they say of the network that was judged names it in tables, and tells weights apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from ..anomaly.scores import score_name
from ..assets import metadata, sha256
from ..baseline.autoencoder import SpatialAutoencoder
from ..datasets.datalist import check_labels, listed_cases
from ..datasets.registered import UsableScans
from ..results.writer import StageClock, case_result
from .evaluate import evaluate_folder, evaluation_text
from .folder import EVALUATION_NAME, CohortFolder
from .table import REFUSED, Row, row_of
from .tables import table
from .tasks import NEEDED


class CohortEvaluation:
    """Write the tables of scores, `cohort.json` and `evaluation.json` of the cases that are scored; print a table.

    They are those of `head-ct-anomaly cohort` and `evaluate` on the same datalist.
    """

    def __init__(
        self,
        output_dir: str | Path,
        datalist: str | Path,
        section: str,
        scans: UsableScans,
        network: nn.Module,
        weights: str | Path,
        clock: StageClock,
        settings: Mapping[str, Any],
        judged_score: str | None = None,
        thresholds: str | Path | None = None,
    ) -> None:
        """Evaluate into the folder `output_dir`.

        Args:
            output_dir: where the files go.
            datalist: with the labels of the cases.
            section: of the datalist.
            scans: the cases that are scored, and those that were refused.
            network: the one that is judged.
            weights: its weights.
            clock: the stages' times.
            settings: width, patch_size, mode, stride, precision, alpha and score (a pooling), as configured.
            judged_score: the score to judge, raw_maximum say; the default score if None.
            thresholds: the file of the calibration, by whose sha256 `audit` and `compare` know it.
        """
        self.thresholds = thresholds
        self.folder, self.datalist, self.section = CohortFolder(output_dir), datalist, section
        self.scans, self.network, self.weights, self.clock = scans, network, weights, clock
        self.settings, self.judged_score = dict(settings), judged_score
        self.rows: dict[str, Row] = {}
        self.maps: dict[str, str | None] = {}

    def attach(self, engine: Engine) -> None:
        """Look at datalist and folder before the work begins, gather rows, evaluate at the end."""
        engine.add_event_handler(Events.STARTED, self.check)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.gather)
        engine.add_event_handler(Events.COMPLETED, self)

    def check(self) -> None:
        """See that the labels are there, and that the folder may be written to.

        Raises:
            WrongUsage: a label is missing.
            OutputExists: the folder holds something else.
        """
        check_labels(listed_cases(self.datalist, self.section), NEEDED, self.section, self.datalist)
        self.folder.check()
        self.rows = {case: Row(case, REFUSED, str(refusal)) for case, refusal in self.scans.refused.items()}

    def gather(self, engine: Engine) -> None:
        """Keep the row of each case of the batch."""
        cases: Any = engine.state.batch
        outputs: Any = engine.state.output
        for case, output in zip(cases, outputs, strict=True):
            result = case_result({**case, **output}, self.clock.timings_s)
            self.rows[case["case"]] = row_of(case["case"], result)
            calibration = sha256(self.thresholds) if result["calibration"] and self.thresholds else None
            self.maps = {"map": result["map"], "calibration_sha256": calibration}

    def __call__(self, engine: Engine) -> None:
        """Write the files and print the table.

        Raises:
            WrongUsage: no task has both kinds of regions.
            OutputExists: the folder holds a run of other settings.
            OutputFailed: the files can't be written.
        """
        cases = listed_cases(self.datalist, self.section)
        with self.folder.locked():
            self.folder.settle(self.facts(), {case.name: case.fingerprint() for case in cases})
            self.folder.write_table([self.rows[case.name] for case in cases])
            made = evaluate_folder(self.folder, self.datalist, self.section, self.judged_score)
            self.folder.write(EVALUATION_NAME, evaluation_text(made))
        print(table(made))

    def facts(self) -> dict[str, Any]:
        """The entries of `cohort.json` about the network and the settings."""
        described = {name: self.settings[name] for name in ("width", "patch_size", "mode", "stride")}
        version = metadata()["version"]
        chosen = {name: self.settings[name] for name in ("alpha", "precision")}
        return {
            "network": network_facts(self.network, self.weights, **described),
            "score": score_name(str(self.maps.get("map", "error")), self.settings["score"]),
            "settings": {**self.maps, **chosen, "bundle_version": version},
        }


POSITION, AUTOENCODER = "position", "autoencoder"
"""Kinds of networks."""


def network_facts(
    network: nn.Module, weights: str | Path, *, width: int, patch_size: int | None, mode: str, stride: int
) -> dict[str, Any]:
    """Kind, width, patch size (mm; None of an autoencoder), parameters, mode, stride (mm) and the weights' sha256.

    Raises:
        OSError: the weights can't be read.
    """
    return {
        "kind": AUTOENCODER if isinstance(network, SpatialAutoencoder) else POSITION,
        "width": width,
        "patch_size": patch_size,
        "parameters": sum(values.numel() for values in network.parameters()),
        "mode": mode,
        "stride": stride,
        "weights_sha256": sha256(weights),
    }
