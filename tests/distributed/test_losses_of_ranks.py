"""Losses and gradients of two and four processes against one process with all the images."""

from __future__ import annotations

import pytest
import torch
from joint_batches import CASES, build, gradient, learn, num_segments, parameters, share
from small_training import SHARDS_ON_CPU
from torch import Tensor

WORLDS = 2, 4
# Float32 sums in another order, through a whole network
CLOSE = dict(rtol=1e-4, atol=1e-5)
EVEN_HEADS = 'maskformer', 'max_deeplab', 'detr', 'dual_path', 'per_pixel', 'per_pixel_plus'
ONE_SIZE = [case for case in CASES if case != 'sizes']
NO_OBJECT = 0.1
NUM_QUERIES = 7


def learned(ranks, world: int, head: str, case: str) -> tuple[dict[str, Tensor], Tensor]:
    """Losses ``(R,)`` of every kind, and the gradient, which all ranks must have."""
    found = [rank['learned'][head, case] for rank in ranks[world]]
    gradients = [one['gradient'] for one in found]
    assert all(torch.equal(gradients[0], other) for other in gradients[1:])
    assert gradients[0].isfinite().all()
    losses = {name: torch.tensor([one['losses'][name] for one in found]) for name in found[0]['losses']}
    return losses, gradients[0]


def assert_same_gradient(one: Tensor, other: Tensor) -> None:
    assert (one - other).norm() < 1e-5 * other.norm() + 1e-9


def weights(case: str, world: int) -> Tensor:
    """Sums of the classes' weights in each process: matched queries weigh 1, the others less."""
    matched = torch.tensor([float(num_segments(case, rank, world)) for rank in range(world)])
    return matched + NO_OBJECT * (NUM_QUERIES * len(CASES[case]) / world - matched)


@pytest.mark.parametrize('world', WORLDS)
@pytest.mark.parametrize('case', ONE_SIZE)
def test_mask_losses_are_those_of_the_joint_batch(ranks, case, world):
    """Their mean over processes, whoever has how many segments, or none."""
    alone, _ = learn(build('maskformer'), share(case))
    losses, _ = learned(ranks, world, 'maskformer', case)
    assert list(losses) == list(alone)
    for name in (name for name in alone if not name.endswith('loss_cls')):
        torch.testing.assert_close(losses[name].mean(), torch.tensor(alone[name]), **CLOSE)
        assert (alone[name] == 0) == (num_segments(case) == 0)


@pytest.mark.parametrize('world', WORLDS)
@pytest.mark.parametrize('case', ONE_SIZE)
def test_class_loss_weighs_processes_alike(ranks, case, world):
    """Weighted by the processes' sums of weights, as they are in a joint batch, their mean is its loss."""
    alone, _ = learn(build('maskformer'), share(case))
    losses, _ = learned(ranks, world, 'maskformer', case)
    shares = weights(case, world) / weights(case, world).sum()
    for name in (name for name in alone if name.endswith('loss_cls')):
        torch.testing.assert_close(losses[name] @ shares, torch.tensor(alone[name]), **CLOSE)
        difference = losses[name] @ (1 / world - shares)
        torch.testing.assert_close(losses[name].mean() - alone[name], difference, rtol=1e-3, atol=1e-5)
        assert (difference.abs() > 1e-3) == (len(shares.unique()) > 1)


@pytest.mark.parametrize('world', WORLDS)
@pytest.mark.parametrize('case', ONE_SIZE)
def test_gradient_of_the_joint_batch_where_classes_weigh_alike(ranks, case, world):
    _, alone = learn(build('equal_weights'), share(case))
    assert_same_gradient(learned(ranks, world, 'equal_weights', case)[1], alone)


@pytest.mark.parametrize('world', WORLDS)
@pytest.mark.parametrize('head', EVEN_HEADS)
def test_gradient_of_the_joint_batch_with_as_many_segments(ranks, head, world):
    losses, found = learned(ranks, world, head, 'as_many')
    values, alone = learn(build(head), share('as_many'))
    assert_same_gradient(found, alone)
    for name, value in values.items():
        torch.testing.assert_close(losses[name].mean(), torch.tensor(value), **CLOSE)


@pytest.mark.parametrize('world', WORLDS)
@pytest.mark.parametrize('head', EVEN_HEADS)
def test_a_process_without_segments_takes_part(ranks, head, world):
    """DDP would complain of parameters without a gradient at the second step."""
    losses, found = learned(ranks, world, head, 'one_has_none')
    assert all(values.isfinite().all() for values in losses.values())
    assert found.norm() > 0


@pytest.mark.parametrize('world', WORLDS)
@pytest.mark.parametrize('head', ['maskformer', 'equal_weights'])
def test_images_of_other_sizes_are_on_their_own(ranks, head, world):
    """The reference is each process's batch by itself, with mask losses of the joint normaliser."""
    total = num_segments('sizes')
    losses, found = learned(ranks, world, head, 'sizes')
    expected = torch.zeros_like(found)
    for rank in range(world):
        model, batch = build(head), share('sizes', rank, world)
        values = model(**model.data_preprocessor(batch, True), mode='loss')
        factor = num_segments('sizes', rank, world) * world / total
        values = {
            name: value if name.endswith('loss_cls') else value * factor
            for name, value in values.items()
            if 'loss' in name
        }
        sum(values.values()).backward()
        expected += gradient(model) / world
        for name, value in values.items():
            torch.testing.assert_close(losses[name][rank], value.detach(), **CLOSE)
    assert_same_gradient(found, expected)


@pytest.mark.parametrize('case', ['as_many', 'uneven'])
def test_accumulated_gradient(ranks, case):
    """The mean of the steps' gradients, each with the segments of its own images in both processes."""
    steps = []
    for first in range(2):
        model, batch = build('equal_weights'), share(case, first, 2)
        steps.append(learn(model, batch)[1])
    expected = sum(steps) / 2
    for rank in ranks[2]:
        assert_same_gradient(rank['accumulated'][case], expected)
    _, joint = learn(build('equal_weights'), share(case))
    distance = (expected - joint).norm() / joint.norm()
    assert (distance < 1e-5) == (case == 'as_many')


@pytest.mark.skipif(not SHARDS_ON_CPU, reason='FSDP of this PyTorch needs GPUs')
def test_sharded_steps_are_those_of_copies(ranks):
    """FSDP holds half of the parameters in each process, and ends with the same ones."""
    whole = parameters(build('maskformer'))
    copies, sharded = ([rank['steps'][kind] for rank in ranks[2]] for kind in ('copies', 'sharded'))
    for copy, part in zip(copies, sharded):
        torch.testing.assert_close(part['losses'], copy['losses'], **CLOSE)
        torch.testing.assert_close(part['parameters'], copy['parameters'], **CLOSE)
        assert (copy['parameters'] - whole).norm() > 0.01
        assert copy['size'] == len(whole)
        assert abs(part['size'] - len(whole) / 2) < 2
    assert copies[0]['losses'][-1] < copies[0]['losses'][0]
