"""Step counts of the optimizer return to the CPU when a run is resumed on a GPU."""

from __future__ import annotations

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from tensor_on_gpu import TensorOnGpu, on_gpu
from tiny_model import run

from mmmaskformer.engine import ExactResumeHook, exact_resume_hook


def load_state(optimizer: torch.optim.Optimizer) -> None:
    """As MMEngine's resume on a GPU: all of the state is on the device of the run."""
    for group in optimizer.param_groups:
        for parameter in group['params']:
            optimizer.state[parameter] = {'step': on_gpu(torch.tensor(3.0)), 'exp_avg': on_gpu(parameter)}


def kinds(optimizer: torch.optim.Optimizer) -> set[tuple[str, type]]:
    return {(name, type(value)) for state in optimizer.state.values() for name, value in state.items()}


class Resumed(ExactResumeHook):
    """Training that begins with a loaded state, and notes what became of it."""

    def before_train(self, runner) -> None:
        optimizer = runner.optim_wrapper.optimizer
        load_state(optimizer)
        super().before_train(runner)
        self.kinds = kinds(optimizer)
        optimizer.state.clear()


def test_training_begins_with_step_counts_on_the_cpu(tmp_path):
    hook = Resumed()
    run(tmp_path, [1, 2], hook)
    assert hook.kinds == {('step', torch.Tensor), ('exp_avg', TensorOnGpu)}


@pytest.mark.parametrize('flag', ['fused', 'capturable'])
def test_optimizers_that_count_on_the_gpu_go_on_there(flag):
    weights = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    optimizer = torch.optim.AdamW([dict(params=weights[:1]), dict(params=weights[1:])])
    optimizer.param_groups[0][flag] = True
    load_state(optimizer)
    exact_resume_hook._return_step_counts(OptimWrapper(optimizer))
    assert [type(optimizer.state[weight]['step']) for weight in weights] == [TensorOnGpu, torch.Tensor]


def test_several_optimizers_and_those_without_state():
    weights = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    adam, sgd = torch.optim.AdamW(weights[:1]), torch.optim.SGD(weights[1:], lr=0.1)
    load_state(adam)
    exact_resume_hook._return_step_counts(OptimWrapperDict(adam=OptimWrapper(adam), sgd=OptimWrapper(sgd)))
    assert kinds(adam) == {('step', torch.Tensor), ('exp_avg', TensorOnGpu)}
    assert not sgd.state
