"""Parity with the official implementation, on its own random weights."""

from __future__ import annotations

import json
import re

import pytest
import torch
from golden_outputs import (
    assert_parity,
    golden_arrays,
    golden_batch,
    golden_config,
    golden_model,
    golden_training,
)
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS

from mmmaskformer.checkpoints.official import official_rules
from mmmaskformer.checkpoints.rules import rename

MODELS = ['semantic_r', 'semantic_rc', 'semantic_swin', 'panoptic_r']
TRAINED = ['semantic_r', 'semantic_swin', 'panoptic_r']


PER_PIXEL = ['per_pixel', 'per_pixel_plus']
OFFICIAL_LOSSES = {
    'loss_cls': 'loss_ce',
    'loss_mask': 'loss_mask',
    'loss_dice': 'loss_dice',
    'loss_ce': 'loss_sem_seg',
}


@pytest.fixture(params=MODELS)
def mask_name(request) -> str:
    return request.param


@pytest.fixture(params=MODELS + PER_PIXEL)
def name(request) -> str:
    return request.param


def official_name_of(name: str) -> dict[str, str]:
    """Our parameter names -> the official ones, through the converter's own table."""
    official = [key.removeprefix('gradnorm/') for key in golden_arrays(name) if key.startswith('gradnorm/')]
    buffers = [key for key in official if key == 'criterion.empty_weight']
    names = {key: torch.zeros(4) for key in official if key not in buffers}
    rules = [rule._replace(transform=None) for rule in official_rules(names)]
    return {next(iter(rename({key: value}, rules))): key for key, value in names.items()}


def test_input_is_normalised_and_padded_as_the_official(name):
    batch = golden_model(name).data_preprocessor(golden_batch(name), training=True)
    assert_parity(batch['inputs'], golden_arrays(name)['input'], 'input')


def test_backbone(name):
    model, golden = golden_model(name).eval(), golden_arrays(name)
    with torch.no_grad():
        features = model.extract_feat(torch.from_numpy(golden['input']))
    for i, feature in enumerate(features):
        assert_parity(feature, golden[f'feat_res{i + 2}'], f'res{i + 2}')


def test_head(mask_name):
    model, golden = golden_model(mask_name).eval(), golden_arrays(mask_name)
    with torch.no_grad():
        features = model.extract_feat(torch.from_numpy(golden['input']))
        layers = model.decode_head(features)
    assert_parity(torch.stack([layer.class_logits for layer in layers]), golden['class_logits'], 'classes')
    assert_parity(torch.stack([layer.mask_logits for layer in layers]), golden['mask_logits'], 'masks')
    last = model.decode_head.predict_masks(features)
    assert_parity(last.mask_logits, golden['mask_logits'][-1], 'masks of the last layer alone')


def test_matches(mask_name):
    model, golden = golden_model(mask_name).eval(), golden_arrays(mask_name)
    batch = model.data_preprocessor(golden_batch(mask_name), training=True)
    with torch.no_grad():
        layers = model.decode_head(model.extract_feat(batch['inputs']))
    segments = [model.decode_head._segments(sample) for sample in batch['data_samples']]
    for i, layer in enumerate(model.decode_head.criterion.assigner(layers, segments)):
        for k, match in enumerate(layer):
            assert torch.stack(match).tolist() == golden[f'match_{i}_{k}'].tolist(), f'layer {i}, image {k}'
    for k, target in enumerate(segments):
        assert target.labels.tolist() == golden[f'labels_{k}'].tolist()


def test_losses_and_gradients(name):
    model, golden = golden_model(name).train(), golden_arrays(name)
    batch = model.data_preprocessor(golden_batch(name), training=True)
    losses = model.loss(**batch)
    seen = set()
    for key, value in losses.items():
        layer, kind = re.fullmatch(r'decode\.(?:d(\d)\.)?(loss_\w+)', key).groups()
        golden_key = f'loss/{OFFICIAL_LOSSES[kind]}' + (f'_{layer}' if layer else '')
        assert_parity(value, golden[golden_key], golden_key)
        seen.add(golden_key)
    assert seen == {key for key in golden if key.startswith('loss/')}
    total, _ = model.parse_losses(losses)
    assert_parity(total, golden['total_loss'], 'total')

    total.backward()
    names = official_name_of(name)
    ours = {key: p.grad.norm() for key, p in model.named_parameters() if p.requires_grad}
    assert set(ours) == set(names), 'other parameters train than in the official model'
    golden_norms = torch.stack([torch.as_tensor(golden[f'gradnorm/{names[key]}']) for key in ours])
    assert_parity(torch.stack(list(ours.values())), golden_norms.flatten(), 'gradient norms')
    for key, norm in ours.items():  # each by its own magnitude too, where it is more than rounding
        expected = float(golden[f'gradnorm/{names[key]}'])
        assert float(norm) == pytest.approx(expected, rel=1e-3, abs=1e-5), key


def test_scores(name):
    """Scores at height 2h, width 2w - 1, from a batch of two sizes."""
    model, golden = golden_model(name).eval(), golden_arrays(name)
    model.dataset_meta = dict(classes='abcde', thing_classes='abc')
    with torch.no_grad():
        samples = model.test_step(golden_batch(name))
    for k, sample in enumerate(samples):
        assert_parity(sample.seg_logits.data[:, ::3, ::3], golden[f'sem_seg_{k}'], f'scores of image {k}')
        if f'panoptic_{k}' in golden:
            assert sample.pred_panoptic_seg.data[0].tolist() == golden[f'panoptic_{k}'].tolist()
            assert sample.pred_segments_info == json.loads(str(golden[f'panoptic_info_{k}']))


@pytest.mark.parametrize('name', ['semantic_r', 'semantic_swin'])
def test_training_curve(name):
    """Twenty steps through our optimiser and schedule configs: loss, learning rate and gradient norm to 1e-3.

    Rounding alone can turn one ReLU on or off (in semantic_r at step 12: one of 3072 inputs of a layer, at
    1e-6 of their usual size), and the gradient norm then takes another path a few steps later; the official
    code's own formulas do it here too. So a run that leaves the golden path may start again with the class
    bias moved by units of rounding: one single run must follow all twenty steps. A wrong loss, rate, decay or
    clipping follows none.
    """
    golden = golden_training(name)['trajectory']
    golden_curve = torch.tensor([golden['loss'], golden['lr'], golden['grad_norm']])
    torch.set_num_threads(1)  # the order of sums, and so the path, depends on it
    for attempt in range(24):
        off = (train_curve(name, nudge=attempt) / golden_curve - 1).abs()
        assert off[:2].max() <= 1e-3, 'loss or learning rate'
        assert off[2, :10].max() <= 1e-3, 'gradient norm of the first ten steps'
        if off.max() <= 1e-3:
            return
    pytest.fail(f'gradient norm: no run stays within 1e-3; the last is off by {off[2].max():.1e}')


def test_training_curve_where_rounding_decides():
    """Twenty steps of panoptic_r, whose gradient norm no two float32 runs share.

    With gradients of norm 127 and learning rate 1e-3, steps amplify rounding: among runs whose weights differ
    by one unit of rounding, the gradient norm differs by 1e-3 at the second step, by a half at the twelfth,
    and the loss by up to 5e-3. Our float64 run is as far from the golden curve: 1.1e-3, 0.3, and 2e-3. So
    each is compared where it is determined, and the loss to 1e-2 after that.
    """
    golden = golden_training('panoptic_r')['trajectory']
    loss, rate, norm = train_curve('panoptic_r')
    assert torch.equal(rate, torch.tensor(golden['lr']))
    loss_off, norm_off = (
        (ours / torch.tensor(golden[key]) - 1).abs() for ours, key in ((loss, 'loss'), (norm, 'grad_norm'))
    )
    assert loss_off[:5].max() <= 1e-3
    assert loss_off.max() <= 1e-2
    assert norm_off[0] <= 1e-5
    assert norm_off[1] <= 3e-3


def test_parameter_groups():
    for name in TRAINED:
        model, config = golden_model(name), golden_config(name)
        optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
        check_param_groups(
            model, optim_wrapper, golden_training(name)['param_groups'], official_name_of(name)
        )


def train_curve(name: str, nudge: int = 0) -> torch.Tensor:
    """``(3, 20)`` loss, learning rate and gradient norm before clipping of each step."""
    model, config = golden_model(name).train(), golden_config(name)
    bias = model.decode_head.class_embed.bias.data
    for _ in range(nudge):
        bias.copy_(torch.nextafter(bias, torch.full_like(bias, torch.inf)))
    optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
    schedulers = [
        PARAM_SCHEDULERS.build({**cfg, 'optimizer': optim_wrapper}) for cfg in config.param_scheduler
    ]
    curve = []
    for _ in range(20):
        learning_rate = max(group['lr'] for group in optim_wrapper.param_groups)
        batch = model.data_preprocessor(golden_batch(name), training=True)
        total, _ = model.parse_losses(model.loss(**batch))
        optim_wrapper.zero_grad()
        total.backward()
        curve.append([total.item(), learning_rate, gradient_norm(model)])
        optim_wrapper._clip_grad()
        optim_wrapper.step()
        for scheduler in schedulers:
            scheduler.step()
    return torch.tensor(curve).T


def gradient_norm(model) -> float:
    return float(torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm())


def check_param_groups(model, optim_wrapper, golden_groups, official_names) -> None:
    names = {id(parameter): key for key, parameter in model.named_parameters()}
    base_lr = max(
        group['initial_lr'] if 'initial_lr' in group else group['lr'] for group in optim_wrapper.param_groups
    )
    ours = {
        official_names[names[id(p)]]: (group.get('initial_lr', group['lr']) / base_lr, group['weight_decay'])
        for group in optim_wrapper.param_groups
        for p in group['params']
        if p.requires_grad
    }
    assert set(ours) == set(golden_groups)
    for key, (lr_mult, decay) in golden_groups.items():
        assert ours[key] == pytest.approx((lr_mult, decay)), key
