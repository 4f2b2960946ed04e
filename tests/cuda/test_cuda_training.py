"""Training steps on a device equal those on the CPU: losses, gradients, statistics of norms.

Rounding alone moves losses by 3e-7 of themselves and gradients by up to 3e-5 (measured on a CPU, with sums in
another order and with weights moved by 1e-7): tolerances are 1e-4 and 1e-3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from small_models import HEAD, images, panoptic_images
from training_steps import QUIET, RESNET, SWIN, assert_same, build, step

SIZES = ((64, 96), (60, 90))
PER_PIXEL = {name: HEAD[name] for name in ('in_channels', 'num_classes', 'pixel_decoder')}
BOX_MATCHING = dict(
    type='mmmaskformer.HungarianAssigner',
    costs=[dict(type=f'mmmaskformer.{name}Cost') for name in ('Classification', 'MaskBoxL1', 'MaskBoxGIoU')],
)


def criterion(assigner: dict) -> dict:
    return dict(criterion=dict(type='mmmaskformer.MaskFormerCriterion', assigner=assigner))


CASES: dict[str, tuple[dict[str, Any], Callable]] = {
    'semantic': ({}, images),
    'semantic, Swin': (dict(backbone={**SWIN, 'drop_path_rate': 0.0}), images),
    'panoptic': ({}, panoptic_images),
    'panoptic, transformer encoder': (dict(decode_head=QUIET), panoptic_images),
    'panoptic, valid pixels': (dict(decode_head=dict(loss_on_valid_pixels=True)), panoptic_images),
    'box matching': (dict(decode_head=criterion(BOX_MATCHING)), panoptic_images),
    'fixed matching': (dict(decode_head=criterion(dict(type='mmmaskformer.FixedAssigner'))), images),
    'per pixel': (dict(decode_head=dict(type='mmmaskformer.PerPixelBaselineHead', **PER_PIXEL)), images),
    'per pixel plus': (
        dict(
            decode_head=dict(
                type='mmmaskformer.PerPixelBaselinePlusHead',
                transformer_decoder=HEAD['transformer_decoder'],
                **PER_PIXEL,
            )
        ),
        images,
    ),
    'MaX-DeepLab': (
        dict(decode_head={**HEAD, 'type': 'mmmaskformer.MaXDeepLabHead', 'embedding_channels': 10}),
        panoptic_images,
    ),
}


@pytest.mark.parametrize('name', CASES)
def test_losses_and_gradients_equal_the_cpu(name, device):
    changes, draw = CASES[name]
    batch = draw(*SIZES)
    expected = step(build(**changes), batch)
    found = step(build(**changes).to(device), batch)
    assert {value.device.type for value in found.values()} == {device}
    losses = {name for name in expected if name.startswith('decode.') and 'loss' in name}
    assert losses
    assert_same({name: found[name] for name in losses}, {name: expected[name] for name in losses}, 1e-4)
    assert_same(found, expected, 1e-3)


@pytest.mark.parametrize('switch', ['channels_last', 'with_cp'])
@pytest.mark.parametrize('backbone', ['ResNet', 'Swin'])
def test_switches_change_no_numbers(switch, backbone, device):
    """Checkpointing computes twice what dropout and drop path left out; here both are off for the formats."""
    head = QUIET if switch == 'channels_last' else {**HEAD, 'transformer_decoder': DROPOUT}
    changes: dict[str, Any] = dict(decode_head=head, channels_last=False, backbone=RESNET)
    if backbone == 'Swin':
        changes['backbone'] = {**SWIN, 'drop_path_rate': 0.0 if switch == 'channels_last' else 0.3}
    batch = images(*SIZES)
    expected = step(build(**changes).to(device), batch)
    assert_same(step(build(**{**changes, switch: True}).to(device), batch), expected, 1e-3)


DROPOUT = {**HEAD['transformer_decoder'], 'dropout': 0.3}
