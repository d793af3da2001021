"""The density network: counts, receptive fields, dense against cube by cube at each of them, other forms of it."""

from __future__ import annotations

import pytest
import torch
from density_net import density_net
from torch import Tensor

from scripts.assets import asset
from scripts.networks.density import CHANNELS, FIELDS, DensityPositionNet, node_weights
from scripts.networks.position import count_parameters

NODES = 7


@pytest.fixture
def network() -> DensityPositionNet:
    torch.manual_seed(0)
    made = density_net(NODES).eval()
    made.nodes.copy_(torch.rand(NODES, 3))
    return made


@pytest.fixture(scope="module")
def shipped() -> DensityPositionNet:
    """With the weights that ship."""
    made = density_net().eval()
    made.load_state_dict(torch.load(asset("models/evidence.pt"), weights_only=True), strict=True)
    return made


def structured(*shape: int) -> Tensor:
    """An input from 0 to 1 that varies at every scale, as a head does."""
    generator = torch.Generator().manual_seed(1)
    steps = torch.rand(shape, generator=generator).cumsum(-1).cumsum(-2).cumsum(-3)
    return (torch.sin(steps / 40) ** 2 + torch.rand(shape, generator=generator) / 4).clamp(0, 1)


def cube_by_cube(network: DensityPositionNet, inputs: Tensor, field: int) -> Tensor:
    """The obvious way: cut the cube of a receptive field around each place, ask that head alone; (N, d, h, w)."""
    counts = [(side - FIELDS[-1]) // 2 + 1 for side in inputs.shape[2:]]
    answers = torch.empty(len(network.nodes), *counts)
    inner, size = (FIELDS[-1] - FIELDS[field]) // 2, FIELDS[field]
    for place in torch.cartesian_prod(*[torch.arange(count) for count in counts]).tolist():
        i, j, k = (2 * index + inner for index in place)
        features = network_of_one(network, inputs[:, :, i : i + size, j : j + size, k : k + size], field)
        answers[:, place[0], place[1], place[2]] = network.heads[field](features)[0]
    return answers


def network_of_one(network: DensityPositionNet, cube: Tensor, field: int) -> Tensor:
    """Features (1, c) of a cube that is as large as a receptive field, layer by layer."""
    values = torch.relu(network.conv1(2 * cube - 1))
    if field > 0:
        values = torch.relu(network.conv2(values))
    if field > 1:
        values = torch.relu(values[..., 1:-1, 1:-1, 1:-1] + network.conv3(values))
    if field > 2:
        values = torch.relu(network.shortcut(values[..., 1:-1, 1:-1, 1:-1]) + network.conv4(values))
    assert values.shape[2:] == (1, 1, 1)
    return values.flatten(1)


def test_the_network_has_its_count() -> None:
    assert count_parameters(density_net()) == 236_416


@pytest.mark.parametrize("field", range(4))
def test_dense_is_cube_by_cube_at_each_receptive_field_and_shifted_is_not(
    network: DensityPositionNet, field: int
) -> None:
    inputs = structured(1, 3, 23, 21, 20)
    with torch.no_grad():
        dense = network(inputs)[0, field]
        expected = cube_by_cube(network, inputs, field)
    assert dense.shape == expected.shape == (NODES, 4, 3, 2)
    assert (dense - expected).abs().max() / expected.std() <= 1e-5
    assert (dense[:, 1:] - expected[:, :-1]).abs().max() / expected.std() > 1e-2


@pytest.mark.parametrize("field", range(4))
def test_dense_is_cube_by_cube_with_the_shipped_weights(shipped: DensityPositionNet, field: int) -> None:
    inputs = structured(1, 3, 21, 19, 20)
    with torch.no_grad():
        dense = shipped(inputs)[0, field]
        expected = cube_by_cube(shipped, inputs, field)
    assert dense.shape == expected.shape == (488, 3, 2, 2)
    assert (dense - expected).abs().max() / expected.std() <= 1e-5
    assert (dense[:, 1:] - expected[:, :-1]).abs().max() / expected.std() > 1e-2


@pytest.mark.parametrize("field", range(4))
def test_each_head_sees_its_receptive_field_and_no_more(network: DensityPositionNet, field: int) -> None:
    inputs = structured(1, 3, 19, 17, 17).requires_grad_()
    network(inputs)[0, field, :, 0].sum().backward()
    assert inputs.grad is not None
    seen = inputs.grad[0].abs().sum(dim=(0, 2, 3)) > 0
    margin = (FIELDS[-1] - FIELDS[field]) // 2
    expected = torch.zeros(19, dtype=torch.bool)
    expected[margin : margin + FIELDS[field]] = True
    assert seen.tolist() == expected.tolist()


def test_asked_places_get_the_answers_of_the_whole(network: DensityPositionNet) -> None:
    inputs = structured(2, 3, 21, 23, 19)
    with torch.no_grad():
        whole, asked = network(inputs), network(inputs, torch.tensor([0, 23, 5]))
    assert whole.shape == (2, 4, NODES, 3, 4, 2)
    every = whole.permute(0, 3, 4, 5, 1, 2).flatten(0, 3)
    assert asked.shape == (3, 4, NODES)
    torch.testing.assert_close(asked, every[[0, 23, 5]])


def test_positions_are_the_means_of_the_densities(network: DensityPositionNet) -> None:
    with torch.no_grad():
        logits = network(structured(1, 3, 19, 17, 17))
        positions = network.positions(logits)
    assert positions.shape == (1, 4, 3, 2, 1, 1)
    density = logits[0, 2, :, 1, 0, 0].softmax(0)
    torch.testing.assert_close(positions[0, 2, :, 1, 0, 0], (density[:, None] * network.nodes).sum(0))


def test_smaller_inputs_are_refused(network: DensityPositionNet) -> None:
    with pytest.raises(ValueError, match="at least 17 blocks"):
        network(torch.zeros(1, 3, 17, 17, 16))


def test_weights_carry_the_nodes(network: DensityPositionNet) -> None:
    other = density_net(NODES)
    other.load_state_dict(network.state_dict())
    torch.testing.assert_close(other.nodes, network.nodes)
    assert [head[0].in_features for head in other.heads] == list(CHANNELS)


def test_weights_carry_their_inputs_and_those_of_others_are_refused(network: DensityPositionNet) -> None:
    windows = network.windows_hu.tolist()
    state = network.state_dict()
    assert (state["windows_hu"].tolist(), float(state["median_hu"])) == (windows, 33)
    with pytest.raises(RuntimeError, match=r"the weights learnt from median_hu 33.0, not 30.0\."):
        DensityPositionNet(NODES, windows, 30).load_state_dict(state)
    with pytest.raises(
        RuntimeError, match=r"the weights learnt from windows_hu \[\[5.0, 65.0\], .*, not \[\[0.0, 80.0\]"
    ):
        DensityPositionNet(NODES, [[0, 80], *windows[1:]], 33).load_state_dict(state)


def test_weights_that_do_not_say_their_inputs_are_taken(network: DensityPositionNet) -> None:
    state = {name: values for name, values in network.state_dict().items() if not name.endswith("_hu")}
    other = density_net(NODES)
    other.load_state_dict(state)
    torch.testing.assert_close(other.nodes, network.nodes)
    assert float(other.median_hu) == 33


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_it_can_be_scripted_as_ckpt_export_does(network: DensityPositionNet) -> None:
    inputs = structured(1, 3, 19, 21, 17)
    scripted = torch.jit.script(network)
    with torch.no_grad():
        torch.testing.assert_close(scripted(inputs), network(inputs))
        torch.testing.assert_close(scripted.positions(network(inputs)), network.positions(network(inputs)))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_the_shipped_weights_scripted_give_their_own_bits(shipped: DensityPositionNet) -> None:
    inputs = structured(1, 3, 19, 21, 17)
    with torch.no_grad():
        assert torch.equal(torch.jit.script(shipped)(inputs), shipped(inputs))


def test_weights_are_linear_between_nodes_and_sum_to_one() -> None:
    nodes = torch.tensor([[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0.1, 0.1, 0]])
    weights = node_weights(torch.tensor([[0.025, 0, 0], [0.1, 0.05, 0.02], [0.5, 0, 0]]), nodes, 0.1)
    torch.testing.assert_close(weights[0], torch.tensor([0.75, 0.25, 0, 0]))
    torch.testing.assert_close(weights[1], torch.tensor([0, 0.5, 0, 0.5]), msg="nodes above are missing")
    assert not weights[2].any()
