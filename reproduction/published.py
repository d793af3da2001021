"""Numbers reported by the paper (Bieder et al., MIDL 2022), in one table, each with its table or figure.

The *position network* regresses the position of patches; the *autoencoder* is the paper's baseline; *width* is m. The
*tasks* are telling hemispheres with a haemorrhage from those without, and heads with a fracture from healthy ones.
Numbers that the paper only draws were read from its vector figures.
"""

from __future__ import annotations

from dataclasses import dataclass

POSITION, AUTOENCODER = "position", "autoencoder"
"""The networks."""

HAEMORRHAGE, FRACTURE = "haemorrhage", "fracture"
"""The tasks."""

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
"""Every width that was published."""

PATCH_SIZE, PATCHES, VOLUMES = 31, 256, 4
"""The patch size in voxels, and the batches: patches of the position network, volumes of the autoencoder."""


@dataclass(frozen=True)
class PublishedResult:
    """One number. What a number does not depend on, or the paper does not say, is None.

    `quantity` is "auroc", "auroc_low" and "auroc_high" (95 % interval), "sensitivity", "parameters",
    "training_memory_mb", "training_hours", "inference_seconds", "positives" or "negatives".
    """

    source: str
    quantity: str
    value: float
    network: str | None = None
    task: str | None = None
    width: int | None = None
    patch_size: int | None = None
    specificity: float | None = None


Rows = tuple[PublishedResult, ...]


def _by_width(source: str, quantity: str, network: str, values: tuple[float, ...], task: str | None = None) -> Rows:
    return tuple(
        PublishedResult(source, quantity, value, network, task, width, PATCH_SIZE if network == POSITION else None)
        for width, value in zip(WIDTHS, values, strict=True)
    )


_PARAMETERS: Rows = (
    *_by_width("Figure 3", "parameters", POSITION, (7451, 29523, 117531, 469011, 1873827, 7490883, 29954691)),
    *_by_width("Figure 3", "parameters", AUTOENCODER, (5851, 22965, 90985, 362193, 1445281, 5774145, 23082625)),
)

_AUROCS: Rows = (
    *_by_width("Figure 3", "auroc", POSITION, (0.577, 0.679, 0.719, 0.741, 0.804, 0.785, 0.815), HAEMORRHAGE),
    *_by_width("Figure 3", "auroc", POSITION, (0.488, 0.700, 0.779, 0.745, 0.700, 0.724, 0.817), FRACTURE),
    *_by_width("Figure 3", "auroc", AUTOENCODER, (0.582, 0.513, 0.568, 0.586, 0.572, 0.656, 0.500), HAEMORRHAGE),
    *_by_width("Figure 3", "auroc", AUTOENCODER, (0.705, 0.660, 0.695, 0.660, 0.774, 0.569, 0.748), FRACTURE),
)

_MEMORY: Rows = (
    *_by_width("Table 1", "training_memory_mb", POSITION, (1200, 1450, 1760, 2466, 4452, 8474, 18680)),
    *_by_width("Table 1", "training_memory_mb", AUTOENCODER, (3438, 3612, 4202, 5120, 7894, 12548, 21860)),
)

_PATCH_SIZES: Rows = tuple(
    PublishedResult("Figure 7", "auroc", value, POSITION, HAEMORRHAGE, 16, size)
    for size, value in ((19, 0.734), (23, 0.775), (27, 0.783), (31, 0.805), (35, 0.779), (39, 0.763))
)

_ROC: Rows = (
    PublishedResult("Figure 6", "auroc", 0.81, POSITION, HAEMORRHAGE),
    PublishedResult("Figure 6", "auroc_low", 0.74, POSITION, HAEMORRHAGE),
    PublishedResult("Figure 6", "auroc_high", 0.88, POSITION, HAEMORRHAGE),
    PublishedResult("Figure 6", "sensitivity", 0.49, POSITION, HAEMORRHAGE, specificity=0.90),
    PublishedResult("Figure 6", "sensitivity", 0.66, POSITION, HAEMORRHAGE, specificity=0.80),
    PublishedResult("Figure 6", "auroc", 0.79, POSITION, FRACTURE),
    PublishedResult("Figure 6", "auroc_low", 0.65, POSITION, FRACTURE),
    PublishedResult("Figure 6", "auroc_high", 0.93, POSITION, FRACTURE),
)

_TEXT: Rows = (
    PublishedResult("text", "positives", 79, task=HAEMORRHAGE),
    PublishedResult("text", "negatives", 81, task=HAEMORRHAGE),
    PublishedResult("text", "positives", 20, task=FRACTURE),
    PublishedResult("text", "negatives", 21, task=FRACTURE),
    PublishedResult("text", "training_hours", 22, POSITION),
    PublishedResult("text", "inference_seconds", 90, POSITION),
    PublishedResult("text", "inference_seconds", 2, AUTOENCODER),
)

RESULTS: Rows = (*_PARAMETERS, *_AUROCS, *_MEMORY, *_PATCH_SIZES, *_ROC, *_TEXT)
"""Every number."""


def published(source: str, quantity: str, network: str | None = None, task: str | None = None) -> Rows:
    """The numbers of one quantity from one table or figure, in the order of the widths or patch sizes.

    `network` and `task` leave out those of others.

    Raises:
        KeyError: there is none.
    """
    found = tuple(
        row
        for row in RESULTS
        if (row.source, row.quantity) == (source, quantity)
        and network in (None, row.network)
        and task in (None, row.task)
    )
    if not found:
        raise KeyError(f"the paper's {source} holds no {quantity} of {network or 'any network'}, {task or 'any task'}")
    return found
