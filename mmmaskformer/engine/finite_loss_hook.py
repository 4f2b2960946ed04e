"""Stop, or skip the step, when a loss is NaN or infinite."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object, all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmmaskformer.registry import HOOKS

from .step_snapshot import images_of, write_snapshot

NAMED = 4  # terms or images that a message lists


class NonFiniteLossError(ValueError):
    """Training cannot go on: a loss is NaN or infinite."""


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stops training where a loss is NaN or infinite, before the optimizer has taken the step.

    The error names the iteration, the terms of the loss (``d3.loss_mask``: the mask loss of decoder layer
    3) and the images of the process they occurred in. ``non_finite_loss_iter_I_rank_R.pth`` in the work
    directory holds batch, model, random state and config; ``tools/analysis_tools/reproduce_loss.py`` computes
    the loss again and names the first module whose output is not finite. The running statistics of norms are
    those of before the step, in the file and in the model.

    All processes stop, or skip, together. On a GPU nothing waits: the result is copied to the host during the
    backward pass. It works with any optimizer wrapper: infinite *gradients* under a loss scale, which
    `AmpOptimWrapper` meets by a smaller scale, are not affected. Gradients that were accumulated before a
    skipped iteration are dropped with it.

    Args:
        max_skips: Skip so many steps in a row before stopping; each is logged and counted in
            ``num_skipped_steps`` of the message hub. 0 stops at the first one.
        save: Write the file: in a run, for the first step that is skipped and for the one that stops it.

    Raises:
        NonFiniteLossError: In every process.
    """

    priority = 'VERY_HIGH'

    def __init__(self, max_skips: int = 0, save: bool = True) -> None:
        self.max_skips = max_skips
        self.save = save
        self.num_skipped = self._in_a_row = 0
        self._handles: list[Any] = []
        self._before: dict[str, Any] = {}
        self._step: _Step | None = None

    def before_train(self, runner: Runner) -> None:
        """Watch the model's losses and the optimizer's steps."""
        self._module: Any = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._statistics = _statistics(self._module)
        self._handles = [
            self._module.register_forward_pre_hook(self._save_state, with_kwargs=True),
            self._module.register_forward_hook(self._watch, with_kwargs=True),
        ]
        optimizer = runner.optim_wrapper.optimizer
        self._step_of_optimizer = step = optimizer.step

        @functools.wraps(step)
        def checked_step(*args: Any, **kwargs: Any) -> Any:
            self._check_step(runner)
            return step(*args, **kwargs)

        optimizer.step = checked_step  # no hook of the optimizer: the compiler of PyTorch 2.1 drops these

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Check losses without an optimizer step: accumulation, or a step that the loss scale skipped."""
        self._check_step(runner)

    def after_train(self, runner: Runner) -> None:
        """Leave the model as it was."""
        for handle in self._handles:
            handle.remove()
        runner.optim_wrapper.optimizer.step = self._step_of_optimizer

    def _save_state(self, module: nn.Module, args: tuple, kwargs: Mapping) -> None:
        """Save the state that the forward pass changes."""
        if module.training and kwargs.get('mode') == 'loss':
            self._before = dict(
                statistics=[(b, b.clone()) for norm, bs in self._statistics if norm.training for b in bs],
                random_state=torch.get_rng_state(),
                random_state_cuda=_random_state_of_gpu(module),
            )

    def _watch(self, module: nn.Module, args: tuple, kwargs: Mapping, losses: Any) -> None:
        if module.training and kwargs.get('mode') == 'loss':
            data = {**dict(zip(('inputs', 'data_samples'), args)), **kwargs}
            self._step = _Step(losses, data)

    def _check_step(self, runner: Runner) -> None:
        """Allow the step, skip it, or stop."""
        step, self._step = self._step, None
        if step is None:
            return
        if step.is_finite():
            self._in_a_row = 0
            return
        for buffer, before in self._before['statistics']:
            buffer.copy_(before)
        self._in_a_row += 1
        stops = self._in_a_row > self.max_skips
        message = self._describe(runner, step, self.save and (stops or not self.num_skipped))
        if stops:
            raise NonFiniteLossError(f'{message} {self._advice()}')
        self.num_skipped += 1
        runner.message_hub.update_info('num_skipped_steps', self.num_skipped)
        runner.optim_wrapper.zero_grad()  # without gradients, no optimizer takes a step
        print_log(f'{message} The step is skipped ({self.num_skipped} so far).', 'current', logging.WARNING)

    def _advice(self) -> str:
        if self.max_skips:
            return f'Before it, {self.max_skips} steps in a row were skipped (max_skips of the hook).'
        return (
            'No step was taken. To skip such steps, set max_skips of mmmaskformer.FiniteLossHook in '
            'custom_hooks; if the parameters had diverged before, lower the learning rate, or clip gradients.'
        )

    def _describe(self, runner: Runner, step: _Step, save: bool) -> str:
        """A message with the faults of all processes; each process with a fault writes its snapshot."""
        terms, report = step.faulty_terms(), ''
        content = self._content(runner, step) if save else {}  # in all processes: FSDP gathers its shards
        if terms:
            images = _first_of(images_of(step.data), 'images')
            report = f'{_first_of(terms, "terms")} in process {get_rank()}, with {images}'
            diverged = [name for name, value in self._module.named_parameters() if not value.isfinite().all()]
            if diverged:
                report += f'; {_first_of(diverged, "parameters")} of the model were not finite before'
            if save:
                report += _write(runner, content)
        reports = [report for report in all_gather_object(report) if report]
        return f'Iteration {runner.iter + 1}: the loss is not finite: {" | ".join(reports)}.'

    def _content(self, runner: Runner, step: _Step) -> dict[str, Any]:
        strategy = getattr(runner, 'strategy', None)
        state = self._module.state_dict() if strategy is None else strategy.model_state_dict()
        return dict(
            iteration=runner.iter + 1,
            rank=get_rank(),
            world_size=get_world_size(),
            terms={name: [value.tolist() for value in values] for name, values in step.terms.items()},
            data={key: value for key, value in step.data.items() if key != 'mode'},
            state_dict=state,
            random_state=self._before['random_state'],
            random_state_cuda=self._before['random_state_cuda'],
            autocast=step.autocast,
            config=runner.cfg.pretty_text,
        )


class _Step:
    """The losses of a forward pass, and whether they are finite in all processes.

    Args:
        losses: What the model returned: tensors, or lists of them, by name.
        data: The inputs of the forward pass.
    """

    def __init__(self, losses: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.data = data
        self.terms: dict[str, list[Tensor]] = {}
        for name, value in losses.items():
            if 'loss' in name:  # MMEngine sums these, and only logs the others
                self.terms[name] = [part.detach() for part in (value if isinstance(value, list) else [value])]
        values = torch.cat([part.reshape(-1).float() for parts in self.terms.values() for part in parts])
        self.autocast = _autocast_dtype(values.device.type)
        faulty = (~values.isfinite()).any().float()
        all_reduce(faulty, 'max')
        on_cuda = faulty.is_cuda
        self._faulty = torch.empty_like(faulty, device='cpu', pin_memory=True) if on_cuda else faulty.cpu()
        self._copied = torch.cuda.Event() if on_cuda else None
        if self._copied is not None:
            with torch.cuda.device(faulty.device):  # events are of the current GPU's stream
                self._faulty.copy_(faulty, non_blocking=True)
                self._copied.record()

    def is_finite(self) -> bool:
        """Waits for the copy to the host if it has not finished."""
        if self._copied is not None:
            self._copied.synchronize()
        return not self._faulty

    def faulty_terms(self) -> list[str]:
        """Terms of this process that are not finite, and their values."""
        listed = {
            name: sum(float(part.float().mean()) for part in parts) for name, parts in self.terms.items()
        }
        return [
            f'{name} = {listed[name]}'
            for name, parts in self.terms.items()
            if not all(part.isfinite().all() for part in parts)
        ]


def _write(runner: Runner, content: dict[str, Any]) -> str:
    path = Path(runner.work_dir) / f'non_finite_loss_iter_{runner.iter + 1}_rank_{get_rank()}.pth'
    try:
        write_snapshot(path, content)
    except OSError as error:  # a full disk must not keep the other processes waiting
        return f'; {path} could not be written ({error})'
    return f'; {path} reproduces it'


def _random_state_of_gpu(module: nn.Module) -> Tensor | None:
    """State of the generator of the GPU that the module is on, or computes on; None without a GPU in use."""
    device = next(module.parameters()).device
    if not torch.cuda.is_initialized():
        return None
    return torch.cuda.get_rng_state(device if device.type == 'cuda' else 'cuda')


def _statistics(module: nn.Module) -> list[tuple[nn.Module, list[Tensor]]]:
    """Modules with buffers that the forward pass of training updates: the running statistics of norms."""
    parts = ((part, part.buffers(recurse=False)) for part in module.modules())
    floats = ((part, [buffer for buffer in own if buffer.is_floating_point()]) for part, own in parts)
    return [(part, own) for part, own in floats if own]


def _autocast_dtype(device: str) -> str | None:
    """``'bfloat16'`` or ``'float16'`` under autocast, else None."""
    if device == 'cpu':
        enabled, dtype = torch.is_autocast_cpu_enabled(), torch.get_autocast_cpu_dtype()
    else:
        enabled, dtype = torch.is_autocast_enabled(), torch.get_autocast_gpu_dtype()
    return str(dtype).removeprefix('torch.') if enabled else None


def _first_of(names: list[str], kind: str) -> str:
    """The first names, and how many more there are."""
    more = f' and {len(names) - NAMED} more {kind}' if len(names) > NAMED else ''
    return ', '.join(names[:NAMED]) + more
