"""EoMT's learning rates and the annealing of its masked attention."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmmaskformer.engine import MaskAnnealingHook, TwoStageWarmupPolyLR
from mmmaskformer.engine.layer_decay import OF_BACKBONE
from mmmaskformer.models import EoMTHead, QueryVisionTransformer

ARCH = dict(embed_dims=8, num_layers=3, num_heads=2, feedforward_channels=16)
OPTIMIZER = dict(
    constructor='mmmaskformer.LayerDecayConstructor',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05),
    paramwise_cfg=dict(layer_decay_rate=0.5),
)


class Network(nn.Module):
    def __init__(self, num_query_blocks: int = 2):
        super().__init__()
        self.backbone = QueryVisionTransformer(ARCH, img_size=32, num_query_blocks=num_query_blocks)
        self.decode_head = EoMTHead([8], 3, num_queries=5, num_query_blocks=num_query_blocks)


def groups() -> dict[str, dict]:
    optimizer = build_optim_wrapper(Network(), OPTIMIZER).optimizer
    return {name: group for group in optimizer.param_groups for name in group['param_names']}


def test_rate_halves_with_every_block():
    """Three blocks; stem and positions have the rate of the first, the last norm that of the last."""
    of = groups()
    expected = {
        'decode_head.query_embed.weight': 1e-4,
        'backbone.ln1.weight': 1e-4,
        'backbone.layers.2.ffn.gamma2.weight': 1e-4,
        'backbone.layers.1.attn.qkv.bias': 5e-5,
        'backbone.layers.0.ln1.weight': 2.5e-5,
        'backbone.patch_embed.projection.weight': 2.5e-5,
        'backbone.pos_embed': 2.5e-5,
        'backbone.register_tokens': 2.5e-5,
    }
    assert {name: of[name]['lr'] for name in expected} == pytest.approx(expected)
    assert {name: of[name][OF_BACKBONE] for name in expected} == {n: n.startswith('back') for n in expected}
    assert len(of) == len(list(Network().parameters()))
    assert len({id(group) for group in of.values()}) == 4  # depths 0 to 2, and the head


def test_rate_is_needed_and_depths_too():
    with pytest.raises(ValueError, match='needs layer_decay_rate'):
        build_optim_wrapper(Network(), {**OPTIMIZER, 'paramwise_cfg': dict(norm_decay_mult=0.0)})
    model = Network()
    model.backbone = nn.Linear(2, 2)
    with pytest.raises(ValueError, match='Linear does not tell the depth'):
        build_optim_wrapper(model, OPTIMIZER)


def test_backbone_is_warmed_up_after_the_head():
    head, backbone = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD(
        [dict(params=[head]), dict(params=[backbone], lr=0.5, **{OF_BACKBONE: True})], lr=1.0
    )
    scheduler = TwoStageWarmupPolyLR(optimizer, warmup=2, backbone_warmup=4, power=1.0, end=16)
    seen = []
    for _ in range(16):
        seen.append([group['lr'] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    of_head, of_backbone = zip(*seen)
    assert of_head[:4] == pytest.approx((0.0, 0.5, 1.0, 13 / 14))
    assert of_backbone[:8] == pytest.approx((0.0, 0.0, 0.0, 0.125, 0.25, 0.375, 0.5, 0.45))
    assert (of_head[15], of_backbone[15]) == pytest.approx((1 / 14, 0.05))


def runner_of(model: nn.Module, iteration: int, *hooks) -> SimpleNamespace:
    return SimpleNamespace(model=model, iter=iteration, max_iters=120, hooks=hooks)


@pytest.mark.parametrize(
    ('num_blocks', 'iteration', 'expected'),
    [
        (4, 0, [1, 1, 1, 1]),
        (4, 20, [1, 1, 1, 1]),
        (4, 30, [0.5**0.9, 1, 1, 1]),
        (4, 40, [0, 1, 1, 1]),
        (4, 99, [0, 0, 0, 0.05**0.9]),
        (4, 100, [0, 0, 0, 0]),
        (3, 60, [0, 0.5**0.9, 1]),
        (1, 30, [0.5**0.9]),
    ],
)
def test_annealing(num_blocks, iteration, expected):
    """120 iterations: a sixth is 20; three blocks begin at 20, 50 and 80, as in the published configs."""
    model = SimpleNamespace(decode_head=SimpleNamespace(mask_probabilities=[1.0] * num_blocks))
    hook = MaskAnnealingHook()
    hook.before_train(runner_of(model, iteration))
    assert model.decode_head.mask_probabilities == pytest.approx(expected)
    model.decode_head.mask_probabilities = [1.0] * num_blocks
    hook.after_train_iter(runner_of(model, iteration - 1), 0)
    assert model.decode_head.mask_probabilities == pytest.approx(expected)


def test_annealing_at_given_iterations_and_of_averages():
    model, averages = (SimpleNamespace(decode_head=SimpleNamespace(mask_probabilities=[1.0])) for _ in 'ab')
    averaged = SimpleNamespace(ema_model=SimpleNamespace(module=averages, update_parameters=None))
    hook = MaskAnnealingHook(begin=[4], end=[8], power=1.0)
    hook.after_train_iter(runner_of(model, 5, averaged), 0)
    assert model.decode_head.mask_probabilities == averages.decode_head.mask_probabilities == [0.5]


def test_annealing_that_does_not_fit():
    with pytest.raises(ValueError, match='begin or end alone'):
        MaskAnnealingHook(begin=[4])
    with pytest.raises(ValueError, match='the end after the beginning'):
        MaskAnnealingHook(begin=[4, 8], end=[8, 8])
    two = SimpleNamespace(decode_head=SimpleNamespace(mask_probabilities=[1.0, 1.0]))
    with pytest.raises(ValueError, match='for 1 blocks, and the model has queries in 2'):
        MaskAnnealingHook(begin=[4], end=[8]).before_train(runner_of(two, 0))
    with pytest.raises(ValueError, match='for EoMTHead, and decode_head is Linear'):
        MaskAnnealingHook().before_train(runner_of(SimpleNamespace(decode_head=nn.Linear(1, 1)), 0))
