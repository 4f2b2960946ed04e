"""Mixed precision, gradient accumulation, and all switches of a config together in a training."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

sys.path.insert(0, str(Path(__file__).parent / 'models'))

from small_models import features, images, sample, small_head, small_model

from mmmaskformer.apis import evaluate_model, train_model
from mmmaskformer.apis.runner import autocast_dtype, default_autocast, use_mixed_precision
from mmmaskformer.commands.arguments import add_precision_argument
from mmmaskformer.models import MaskFormer
from mmmaskformer.toy_scenes import ToyRecipe, write_toy

BFLOAT16 = 'mmmaskformer.Bfloat16OptimWrapper'
CONFIG = """
_base_ = '{root}/configs/toy/maskformer_r18_toy.py'
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False, dataset=dict(data_root='{data}')
)
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(data_root='{data}'))
test_dataloader = val_dataloader
optim_wrapper = dict(accumulative_counts=2)
model = dict(with_cp=True, channels_last=True)
train_cfg = dict(max_iters=2, val_interval=2)
work_dir = '{work_dir}'
launcher = 'none'
"""


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)


@pytest.fixture(params=[(7, 5), (8, 0)], ids=['before Ampere', 'Ampere'])
def capability(monkeypatch, request):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda: request.param)
    return request.param


def wrapper_config(**settings) -> Config:
    return Config(
        dict(optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1), **settings))
    )


def record_autocast(module: nn.Module) -> list[bool]:
    """A list that learns, each time the module runs, whether it does so under autocast."""
    seen: list[bool] = []
    module.register_forward_hook(lambda *_: seen.append(torch.is_autocast_cpu_enabled()))
    return seen


def test_losses_and_gradients_in_bfloat16():
    """Losses, matching and gradients are float32; matches are those of float32, but for near ties."""
    head, maps = small_head().train(), features()
    ground_truth = [sample(torch.randint(0, 4, (64, 96))) for _ in range(2)]
    segments = [head._segments(labelled) for labelled in ground_truth]
    losses, gradients, matches = [], [], []
    for enabled in (False, True):
        head.zero_grad()
        with torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            predictions = head(maps)
            matches.append(head.criterion.assigner(predictions, segments))
            losses.append(head.loss(maps, ground_truth))
        sum(losses[-1].values()).backward()
        gradients.append([p.grad.clone() for p in head.parameters()])
    assert predictions[0].mask_logits.dtype == torch.bfloat16
    for name, loss in losses[1].items():
        assert loss.dtype == torch.float32
        torch.testing.assert_close(loss, losses[0][name], rtol=0.02, atol=0.0)
    assert {g.dtype for g in gradients[1]} == {torch.float32}
    exact, rounded = (torch.cat([g.flatten() for g in part]) for part in gradients)
    assert torch.cosine_similarity(exact, rounded, dim=0) > 0.99
    pairs = [[set(zip(q.tolist(), s.tolist())) for layer in m for q, s in layer] for m in matches]
    assert sum(len(a & b) for a, b in zip(*pairs)) >= 0.8 * sum(map(len, pairs[0]))


def test_prediction_in_bfloat16():
    """Scores are combined in float32, so they can be averaged, stored, and turned into arrays."""
    model, batch = small_model(), images((64, 96))
    labels = []
    for enabled in (False, True):
        with torch.no_grad(), torch.autocast('cpu', torch.bfloat16, enabled=enabled):
            (result,) = model.test_step(dict(batch))
        assert result.seg_logits.data.dtype == torch.float32
        labels.append(result.pred_sem_seg.data.clone())
    assert (labels[0] == labels[1]).float().mean() > 0.95


@pytest.mark.parametrize('wrapper', ['OptimWrapper', BFLOAT16])
def test_accumulated_gradients(wrapper, no_gpu):
    """Two half steps on one batch are the step on it, under autocast too."""
    init_default_scope('mmseg')
    batch, after = images((64, 96)), []
    for counts in (1, 2):
        torch.manual_seed(0)
        model = small_model().train()
        for norm in model.modules():
            norm.momentum = 0.0  # or the second step would see other statistics
        cfg = wrapper_config(accumulative_counts=counts).optim_wrapper
        optim_wrapper = build_optim_wrapper(model, {**cfg, 'type': wrapper})
        optim_wrapper.initialize_count_status(model, 0, counts)
        autocast_in = record_autocast(model.backbone)
        for _ in range(counts):
            model.train_step(dict(batch), optim_wrapper)
        assert autocast_in == [wrapper == BFLOAT16] * counts
        after.append([p.detach().clone() for p in model.parameters()])
    for one, other in zip(*after):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('precision', ['auto', 'bf16'])
def test_without_gpu_it_is_bfloat16(precision, no_gpu):
    cfg = wrapper_config(accumulative_counts=2)
    use_mixed_precision(cfg, precision)
    assert (cfg.optim_wrapper.type, cfg.optim_wrapper.accumulative_counts) == (BFLOAT16, 2)
    use_mixed_precision(cfg, 'auto')  # once more changes nothing
    assert cfg.optim_wrapper.type == BFLOAT16


def test_the_gpu_decides(capability):
    cfg = wrapper_config()
    use_mixed_precision(cfg, 'auto')
    if capability >= (8, 0):
        assert cfg.optim_wrapper.type == BFLOAT16
    else:
        assert cfg.optim_wrapper.type == 'AmpOptimWrapper'
        assert (cfg.optim_wrapper.dtype, cfg.optim_wrapper.loss_scale) == ('float16', 'dynamic')
    assert autocast_dtype('fp16') == torch.float16


def test_what_cannot_be(no_gpu):
    with pytest.raises(ValueError, match=r'--amp fp16 needs a GPU.*use --amp bf16'):
        use_mixed_precision(wrapper_config(), 'fp16')
    cfg = wrapper_config()
    cfg.optim_wrapper.type = 'ApexOptimWrapper'
    with pytest.raises(ValueError, match=r'optim_wrapper\.type is ApexOptimWrapper'):
        use_mixed_precision(cfg, 'bf16')


def test_precision_of_the_test_loop_is_put_back():
    before = torch.get_autocast_gpu_dtype()
    with default_autocast('bf16'):
        assert torch.get_autocast_gpu_dtype() == torch.bfloat16
    assert torch.get_autocast_gpu_dtype() == before


@pytest.mark.parametrize(
    ('words', 'amp'),
    [([], None), (['--amp'], 'auto'), (['--amp', 'bf16'], 'bf16'), (['--amp', 'fp16'], 'fp16')],
)
def test_command_line(words, amp):
    parser = argparse.ArgumentParser()
    add_precision_argument(parser)
    assert parser.parse_args(words).amp == amp


def test_all_switches_of_a_config_at_once(tmp_path, root, no_gpu, monkeypatch):
    """Trains, evaluates and writes a checkpoint that a model without them loads, in mixed precision too."""
    write_toy(tmp_path / 'toy', ToyRecipe(num_training=4, num_validation=2, height=96, width=128))
    path = tmp_path / 'config.py'
    path.write_text(CONFIG.format(root=root, data=tmp_path / 'toy', work_dir=tmp_path / 'work'))
    runner = train_model(Config.fromfile(path), amp='bf16')
    assert type(runner.optim_wrapper).__name__ == 'Bfloat16OptimWrapper'
    assert {p.dtype for p in runner.model.parameters()} == {torch.float32}
    plain = Config.fromfile(path)
    plain.model.update(with_cp=False, channels_last=False)
    checkpoint = str(tmp_path / 'work' / 'iter_2.pth')
    predict, under_autocast = MaskFormer.predict, []

    def watched(model, *args):
        under_autocast.append(torch.is_autocast_cpu_enabled())
        return predict(model, *args)

    monkeypatch.setattr(MaskFormer, 'predict', watched)
    exact, rounded = (evaluate_model(plain.copy(), checkpoint, amp=amp) for amp in (None, 'auto'))
    assert under_autocast == [False, True]
    assert rounded['aAcc'] == pytest.approx(exact['aAcc'], abs=2.0)
