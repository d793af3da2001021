"""The precision that a training takes follows the device."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from scripts.networks.devices import training_precision

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capability", "precision"),
    [("AVX2", "float32"), ("DEFAULT", "float32"), ("SVE256", "float32"), ("AVX512", "bfloat16")],
)
def test_a_cpu_trains_in_bfloat16_only_with_wide_vectors(
    monkeypatch: pytest.MonkeyPatch, capability: str, precision: str
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert training_precision(CPU) == training_precision("cpu") == precision


@pytest.mark.parametrize(("native", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_a_gpu_trains_in_bfloat16_where_it_is_native(
    monkeypatch: pytest.MonkeyPatch, native: bool, precision: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native and not including_emulation)
    assert training_precision(torch.device("cuda")) == precision


def test_other_devices_train_in_float32() -> None:
    assert training_precision(torch.device("mps")) == "float32"


@pytest.mark.parametrize("overlay", [[], ["density_train.json"], ["train_scans.json"]])
def test_the_config_asks_the_device(monkeypatch: pytest.MonkeyPatch, overlay: list[str]) -> None:
    parser = ConfigParser()
    parser.read_config([BUNDLE / "configs" / name for name in ["train.json", *overlay]])
    parser["device"] = CPU
    for capability, precision in [("AVX2", "float32"), ("AVX512", "bfloat16")]:
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda found=capability: found)
        parser.parse(True)
        assert parser.get_parsed_content("train#inferer").precision == precision
