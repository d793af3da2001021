"""`precision`: the format of numbers inside, settings for a GPU, and threads; all as they were afterwards."""

from __future__ import annotations

import pytest
import torch

from scripts.networks.precision import autocast, one_thread

CPU = torch.device("cpu")


def test_autocast_changes_the_format_inside_only() -> None:
    layer, inputs = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with autocast(CPU, "bfloat16"):
        assert layer(inputs).dtype == torch.bfloat16
    with autocast(CPU, "float32"):
        assert layer(inputs).dtype == torch.float32
    assert layer(inputs).dtype == torch.float32


def test_an_unknown_format_is_refused() -> None:
    with (
        pytest.raises(ValueError, match=r"precision must be one of \['bfloat16', 'float32'\], got 'half'"),
        autocast(CPU, "half"),
    ):
        pass


@pytest.mark.filterwarnings("ignore:User provided device_type of 'cuda'")
def test_on_a_gpu_exact_work_is_deterministic_and_training_keeps_pytorchs_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cudnn, gpu = torch.backends.cudnn, torch.device("cuda")
    for name, value in (("benchmark", True), ("deterministic", False), ("allow_tf32", True)):
        monkeypatch.setattr(cudnn, name, value)
    with autocast(gpu, "float32"):
        assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == (False, True, False)
    with autocast(gpu, "float32", exact=False):
        assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == (True, False, True)


def test_a_cpu_computes_in_one_thread_and_a_gpu_is_left_as_it_is() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread(CPU):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with one_thread(torch.device("cuda")):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
