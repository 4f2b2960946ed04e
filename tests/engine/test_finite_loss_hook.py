"""A loss that is not finite stops training, or is left out, before anything is changed by it."""

from __future__ import annotations

import copy
import re
import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / 'models'))

from overflow import record_of_overflow, settings_of_model
from small_models import images
from tiny_model import Tiny, run

from mmmaskformer.apis.reproduce import reproduce_loss
from mmmaskformer.checkpoints import build_model
from mmmaskformer.engine import FiniteLossHook, NonFiniteLossError
from mmmaskformer.engine.step_snapshot import write_snapshot

BAD = dict(nan=float('nan'), inf=float('inf'))


def weights_after(work_dir, numbers, **settings) -> list:
    state = run(work_dir, numbers, **settings).model.state_dict()
    return [value.tolist() for name, value in state.items() if 'num_batches' not in name]


def message_of(work_dir, numbers, hook=None, **settings) -> str:
    with pytest.raises(NonFiniteLossError) as caught:
        run(work_dir, numbers, hook, **settings)
    return str(caught.value)


@pytest.mark.parametrize('bad', BAD)
def test_stops_before_the_step_and_says_where(tmp_path, bad):
    model = Tiny()
    message = message_of(tmp_path, [1, 2, 3, 4, 5, BAD[bad], 7, 8], model=model)
    assert re.search(rf'^Iteration 3: .*: d0\.loss_mask = {bad} in process 0, with /images/4\.png, ', message)
    assert '/images/5.png; ' in message
    assert 'loss_cls' not in message
    assert 'max_skips' in message
    before = Tiny()
    run(tmp_path / 'before', [1, 2, 3, 4], model=before)
    assert model.weight.item() == before.weight.item() != 1
    assert torch.equal(model.norm.running_mean, before.norm.running_mean)  # the bad image left no trace


def test_a_skipped_step_leaves_no_trace_and_is_counted(tmp_path, capsys):
    hook = FiniteLossHook(max_skips=1)
    runner = run(tmp_path / 'a', [1, 2, BAD['nan'], 4, 5, 6, BAD['inf'], 8, 9, 10], hook)
    left = [value.tolist() for name, value in runner.model.state_dict().items() if 'num_batches' not in name]
    assert left == weights_after(tmp_path / 'b', [1, 2, 5, 6, 9, 10])
    assert hook.num_skipped == runner.message_hub.get_info('num_skipped_steps') == 2
    log = capsys.readouterr()
    assert len(re.findall(r'skipped \(\d so far\)', log.out + log.err)) >= 2
    assert len(list((tmp_path / 'a').glob('non_finite_loss_*.pth'))) == 1


class Unhooked(torch.optim.Optimizer):
    """What the compiler of PyTorch 2.1 makes of every optimizer."""

    @torch.no_grad()
    def step(self, closure=None):
        for parameter in self.param_groups[0]['params']:
            parameter -= 0.1 * parameter.grad

    step.hooked = True


def test_optimizers_without_hooks(tmp_path):
    model = Tiny()
    wrapper = OptimWrapper(optimizer=Unhooked(model.parameters(), dict(lr=0.1)))
    message_of(tmp_path, [1, 2, BAD['nan'], 4], model=model, optim_wrapper=wrapper)
    assert model.weight.isfinite()
    assert model.weight != 1


def test_too_many_in_a_row_stop(tmp_path):
    message = message_of(tmp_path, [1, 2, *[BAD['nan']] * 6], FiniteLossHook(max_skips=2, save=False))
    assert message.startswith('Iteration 4')
    assert '2 steps in a row were skipped' in message
    assert not list(tmp_path.glob('non_finite_loss_*.pth'))


def test_accumulated_gradients(tmp_path):
    """Steps of two iterations. A bad one takes what was gathered before it along; what follows counts."""
    wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1), accumulative_counts=2)
    numbers = [1, 2, 3, BAD['nan'], 5, 6, 7, 8]
    hook = FiniteLossHook(max_skips=1)
    skipped = run(tmp_path / 'a', numbers, hook, optim_wrapper=wrapper).model.weight.item()
    gradient = (2 + 5.5 + 2 + 7.5) / 2  # of the third and the fourth iteration alone
    assert skipped == pytest.approx(1 - 0.1 * gradient)
    numbers[3], numbers[1] = 4, BAD['nan']
    skipped = run(tmp_path / 'b', numbers, FiniteLossHook(max_skips=1), optim_wrapper=wrapper)
    assert skipped.model.weight.item() == pytest.approx(1 - 0.1 * (2 + 3.5) / 2 - 0.1 * gradient)
    assert message_of(tmp_path / 'c', numbers, optim_wrapper=wrapper).startswith('Iteration 1:')


class ScaledWrapper(OptimWrapper):
    """What `AmpOptimWrapper` does with its loss scale: no step where a gradient is not finite."""

    def step(self, **kwargs):
        gradients = [p.grad for group in self.optimizer.param_groups for p in group['params']]
        if all(g is None or g.isfinite().all() for g in gradients):
            super().step(**kwargs)


def test_infinite_gradients_under_a_loss_scale_are_not_its_concern(tmp_path):
    model = Tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.weight.register_hook(lambda grad: grad * float('inf') if grad.item() > 8 else grad)
    wrapper = ScaledWrapper(optimizer=optimizer)
    runner = run(tmp_path / 'a', [1, 2, 20, 30, 5, 6], model=model, optim_wrapper=wrapper)
    assert runner.iter == 3
    assert model.weight.item() == pytest.approx(1 - 0.1 * 3.5 - 0.1 * 7.5)
    model = Tiny()
    wrapper = ScaledWrapper(optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    assert message_of(tmp_path / 'b', [1, 2, BAD['nan'], 4], model=model, optim_wrapper=wrapper)


def test_nothing_stays_with_the_model(tmp_path):
    model = Tiny()
    run(tmp_path, [1, 2], model=model)
    assert not model._forward_hooks
    assert not model._forward_pre_hooks


def test_parameters_that_had_diverged_are_named(tmp_path):
    model = Tiny()
    nn.init.constant_(model.weight, float('nan'))
    assert '; weight of the model were not finite before' in message_of(tmp_path, [1, 2], model=model)


@pytest.mark.parametrize('wrapper', ['OptimWrapper', 'mmmaskformer.Bfloat16OptimWrapper'])
def test_the_record_of_a_maskformer_reproduces_every_term(tmp_path, wrapper):
    """The mask embedding overflows."""
    path, _ = record_of_overflow(tmp_path, wrapper)
    found = reproduce_loss(path)
    assert found.iteration == 1
    assert found.images == ['/images/0.png', '/images/1.png']
    assert found.first_module == 'decode_head.mask_embed.4'
    torch.testing.assert_close(found.now, found.then, rtol=0, atol=0, equal_nan=True)
    content = torch.load(path, weights_only=True)
    assert content['autocast'] == (None if wrapper == 'OptimWrapper' else 'bfloat16')
    printed = run_tool(path)
    assert 'First module whose output is not finite: decode_head.mask_embed.4' in printed


def run_tool(path) -> str:
    tool = Path(__file__).parents[2] / 'tools' / 'analysis_tools' / 'reproduce_loss.py'
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as printed:
        patch.setattr(sys, 'argv', [str(tool), str(path)])
        runpy.run_path(str(tool), run_name='__main__')
    return printed.getvalue()


def test_terms_that_are_finite_are_equal_too(tmp_path):
    """A record of a good step: dropout must be drawn as it was."""
    settings = settings_of_model()
    model = build_model(Config(settings)).train()
    data = model.data_preprocessor(images((64, 96), (64, 80)), True)
    state, random_state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    terms = {name: [value.item()] for name, value in model(**data, mode='loss').items()}
    content = dict(
        iteration=1,
        data=data,
        state_dict=state,
        random_state=random_state,
        random_state_cuda=None,
        terms=terms,
        autocast=None,
        config=Config(settings).pretty_text,
    )
    write_snapshot(tmp_path / 'a.pth', content)
    torch.manual_seed(1)
    found = reproduce_loss(tmp_path / 'a.pth')
    assert found.now == found.then
    assert found.first_module is None
    torch.save(dict(a=1), tmp_path / 'b.pth')
    with pytest.raises(ValueError, match=r'b\.pth is not a snapshot of a training step'):
        reproduce_loss(tmp_path / 'b.pth')
