"""Trainings whose memory is measured: each network as the config that trains it has it, at any width and batch.

A *setup* is NETWORK:WIDTH:BATCH. Its trainer is made of the parts of the config, without data and handlers, and its
batch is cut from the reference head as the config cuts it: what is measured is what trains.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.assets import asset
from scripts.processes.memory import MB, set_budget
from scripts.workflow import device_values, parsed_configs, quiet

WHOLE_GRID = {"box_start": [0, 0, 0], "box_end": [256, 256, 256]}
"""Values of autoencoder.json with which it sees the whole reference grid, as published."""

MEASURED = "measured"
"""The status of a setup whose memory is known."""


@dataclass(frozen=True)
class Network:
    """A network in its training config: the overlay, the ids of a head ready to be cut and of the batch, other values.

    `batch_of` says what a batch counts.
    """

    overlay: str | None
    head: str
    batch_id: str
    batch_of: str
    values: Mapping[str, Any]


NETWORKS = {
    "position": Network("published_train.json", "equalised", "patches_per_head", "patches", {}),
    "dense": Network(None, "drawing", "crops_per_iteration", "crops", {}),
    "autoencoder": Network("autoencoder.json", "boxes", "crops_per_iteration", "volumes", WHOLE_GRID),
    "autoencoder_box": Network("autoencoder.json", "boxes", "crops_per_iteration", "boxes", {}),
}
"""By name: the published position network, the dense one, the autoencoder on the whole grid, and on its box."""


@dataclass(frozen=True)
class Setup:
    """A network, its width and how much it sees in an iteration."""

    network: str
    width: int
    batch: int

    @property
    def name(self) -> str:
        """As it is typed."""
        return f"{self.network}:{self.width}:{self.batch}"


def setup(text: str) -> Setup:
    """A setup, checked.

    Raises:
        argparse.ArgumentTypeError: it is not NETWORK:WIDTH:BATCH.
    """
    name, *numbers = text.split(":")
    if name not in NETWORKS or len(numbers) != 2 or not all(n.isdecimal() and int(n) > 0 for n in numbers):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no NETWORK:WIDTH:BATCH, such as position:16:256; networks: {', '.join(NETWORKS)}"
        )
    return Setup(name, int(numbers[0]), int(numbers[1]))


def measured_within_budget(wanted: Setup, device: str, iterations: int) -> dict[str, Any]:
    """As `measured_here`, in a process whose memory gets limited, for good, to what the machine can give now."""
    return measured_here(wanted, device, iterations, set_budget())


def measured_here(wanted: Setup, device: str, iterations: int, budget: int | None = None) -> dict[str, Any]:
    """Memory of a setup, measured in this process; the status says so if the process has too little memory."""
    from scripts.networks.inferers import out_of_memory
    from scripts.networks.position import count_parameters
    from scripts.training.memory import training_peak

    with quiet():
        parser = training_config(wanted, device)
        parameters = count_parameters(parser.get_parsed_content("network_def"))
        where = parser.get_parsed_content("device")
        try:
            batch = one_batch(parser)
            peak = training_peak(lambda batches: trainer(parser, batches), batch, iterations, where)
        except (MemoryError, RuntimeError) as error:
            if not (isinstance(error, MemoryError) or out_of_memory(error)):
                raise
            limit = "" if budget is None or where.type == "cuda" else f": {budget // MB} MB were free"
            return {"parameters": parameters, "status": f"out of memory{limit}"}
    return {
        "parameters": parameters,
        "measure": peak.measure,
        "memory_mb": round(peak.memory_bytes / MB),
        "status": MEASURED,
    }


def training_config(wanted: Setup, device: str) -> Any:
    """The parser of the config that trains a setup's network, on heads that are there already."""
    network = NETWORKS[wanted.network]
    parser = parsed_configs(["train.json", *([network.overlay] if network.overlay else [])])
    parser.update({"width": wanted.width, network.batch_id: wanted.batch, **network.values})
    parser["drawing"] = {"_target_": "Compose", "transforms": []}
    parser["made_head"] = f"@{network.head}"
    parser.update(device_values(device))
    return parser


def one_batch(parser: Any) -> dict[Any, Any]:
    """A batch as the config's data loader would give it, of samples of the reference head."""
    import torch
    from monai.data import list_data_collate
    from monai.transforms import LoadImage

    from scripts.volume import AIR_HU

    load = LoadImage(image_only=True, reader="NibabelReader", ensure_channel_first=True)
    image = load(asset("models/reference.nii.gz")).as_tensor().to(torch.int16)
    head = parser.get_parsed_content("made_head")({"image": image, "foreground": image > AIR_HU})
    sample = parser.get_parsed_content("train#preprocessing")
    batch: dict[Any, Any] = list_data_collate([sample(dict(head)) for _ in range(parser["crops_per_iteration"])])
    return batch


def trainer(parser: Any, batches: list[Any]) -> Any:
    """The config's trainer without its data and its handlers: the same network, optimizer, loss and step."""
    from monai.engines import SupervisedTrainer

    return SupervisedTrainer(
        device=parser.get_parsed_content("device"),
        max_epochs=1,
        train_data_loader=batches,
        prepare_batch=parser.get_parsed_content("train#prepare_batch"),
        network=parser.get_parsed_content("network"),
        optimizer=parser.get_parsed_content("optimizer"),
        loss_function=parser.get_parsed_content("train#loss"),
        inferer=parser.get_parsed_content("train#inferer"),
    )
