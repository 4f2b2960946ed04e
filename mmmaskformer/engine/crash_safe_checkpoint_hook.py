"""Checkpoints that survive crashes and preemption."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import broadcast_object_list, get_world_size, is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from torch import distributed
from torch.utils.data import DataLoader

from mmmaskformer.registry import HOOKS

from .checkpoint_files import (
    INTERRUPTED,
    AtomicBackend,
    checkpoint_folder,
    newest_whole_checkpoint,
    remove_parts,
)

VALIDATED = 'validated_iter'


@HOOKS.register_module()
class CrashSafeCheckpointHook(CheckpointHook):
    """MMEngine's `CheckpointHook`, which leaves a whole checkpoint whenever the process crashes.

    - A file is written under another name, synchronized with the disk, then renamed; old checkpoints are
      removed after that.
    - Resuming takes the newest checkpoint that is whole, whatever ``last_checkpoint`` says, and runs
      the validation that was due at its iteration: MMEngine writes the checkpoint before it validates.
    - A process that receives a stop signal ends its iteration, writes ``interrupted.pth`` and exits with 128
      plus
      the signal's number, in a distributed run together with all others. The next regular checkpoint takes
      the place of that file.

    Args:
        args: Those of `CheckpointHook`.
        stop_signals: Names of the signals that stop a run; ``()`` installs no handlers. Schedulers can
            send other signals before they preempt, for example ``sbatch --signal=USR1@120``.
        validate_on_resume: Whether to run a validation that the interrupted run has missed.
        kwargs: Those of `CheckpointHook`.
    """

    def __init__(
        self,
        *args: Any,
        stop_signals: Sequence[str] = ('SIGTERM',),
        validate_on_resume: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._check_arguments()
        self.stop_signals = [signal.Signals[name] for name in stop_signals]
        self.validate_on_resume = validate_on_resume
        self._signal = 0  # the one received
        self._saved_iter: int | None = None
        self._training = False
        self._group: Any = None

    def _check_arguments(self) -> None:
        """Refuse unknown arguments now: MMEngine would fail with the first checkpoint."""
        for name in set(self.args) - set(inspect.signature(Runner.save_checkpoint).parameters):
            kind = type(self).__name__
            raise TypeError(f'{kind}.__init__() got an unexpected keyword argument {name!r}')

    def before_run(self, runner: Runner) -> None:
        """Choose the checkpoint to resume from, unless the config names one."""
        if runner._resume is True and runner._load_from is None:
            found = [newest_whole_checkpoint(self._folder(runner), self.filename_tmpl)]
            broadcast_object_list(found)
            runner._load_from, runner._resume = found[0], found[0] is not None
            if found[0] is None:
                runner.logger.warning(
                    f'No whole checkpoint in {self._folder(runner)}: training starts from the beginning.'
                )
        for loop in (runner._train_loop, runner._val_loop):
            loader = getattr(loop, 'dataloader', None)
            if self.stop_signals and isinstance(loader, DataLoader):
                loader.worker_init_fn = functools.partial(
                    _leave_signals_to_parent, self.stop_signals, loader.worker_init_fn
                )

    def before_train(self, runner: Runner) -> None:
        """Prepare the folder, install signal handlers, and run a missed validation."""
        super().before_train(runner)
        self.file_backend: LocalBackend
        self.backend_args: dict | None
        if type(self.file_backend) is LocalBackend and self.backend_args is None:
            self.backend_args = dict(backend='mmmaskformer.atomic')
            self.file_backend = AtomicBackend()
            if is_main_process():
                remove_parts(self.out_dir)
        self._install_handlers(runner)
        self._training = True
        validated = runner.message_hub.get_info(VALIDATED) == runner.iter
        if self.validate_on_resume and runner.iter > 0 and not validated and _validation_is_due(runner):
            runner.val_loop.run()

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Save what is due, then stop if a signal was received."""
        super().after_train_iter(runner, *args, **kwargs)
        if not _accumulates(runner) and self._should_stop():
            self._stop(runner, runner.iter + 1)

    def after_val_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Stop in the middle of validation if its iteration is saved already.

        Processes of a distributed run may validate different numbers of batches, and stop after the last one.
        """
        saved = self._training and self._saved_iter == runner.iter
        if saved and self._signal and get_world_size() == 1:
            self._stop(runner, runner.iter)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Note that this iteration is validated: saving the best checkpoint saves the last one again."""
        if self._training:
            runner.message_hub.update_info(VALIDATED, runner.iter)
        super().after_val_epoch(runner, metrics)

    def after_val(self, runner: Runner) -> None:
        """Stop after validation."""
        if self._training and self._should_stop():
            self._stop(runner, runner.iter)

    def after_train(self, runner: Runner) -> None:
        """Publish the model, and restore the signal handlers."""
        super().after_train(runner)
        self._training = False
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _folder(self, runner: Runner) -> str:
        return checkpoint_folder(runner.work_dir, self.out_dir)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        with self._removals_last():
            super()._save_checkpoint_with_step(runner, step, meta)
        self._saved_iter = meta['iter']
        if is_main_process() and isinstance(self.file_backend, AtomicBackend):
            Path(self.out_dir, INTERRUPTED).unlink(missing_ok=True)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        with self._removals_last():
            super()._save_best_checkpoint(runner, metrics)

    def _removals_last(self) -> contextlib.AbstractContextManager:
        atomic = isinstance(self.file_backend, AtomicBackend)
        return self.file_backend.removals_last() if atomic else contextlib.nullcontext()

    def _install_handlers(self, runner: Runner) -> None:
        """Install signal handlers, which only the main thread may do."""
        if get_world_size() > 1 and self.stop_signals:
            gloo = distributed.get_backend() == 'gloo'
            self._group = distributed.group.WORLD if gloo else distributed.new_group(backend='gloo')
        self._handlers: dict[int, Callable | int | None] = {}
        for number in self.stop_signals:
            try:
                self._handlers[number] = signal.signal(number, self._note)
            except ValueError:
                runner.logger.warning(
                    'Training runs outside of the main thread: a stop signal ends it without a checkpoint.'
                )

    def _note(self, number: int, _: Any) -> None:
        self._signal = number

    def _should_stop(self) -> bool:
        """Whether any process has received a signal: an all-reduce that all of them join."""
        if self._group is not None:
            number = torch.tensor(self._signal)
            distributed.all_reduce(number, distributed.ReduceOp.MAX, self._group)
            self._signal = int(number)
        return self._signal > 0

    def _stop(self, runner: Runner, iteration: int) -> None:
        """Save a checkpoint and exit; every process waits until the file is written."""
        name = signal.Signals(self._signal).name
        runner.logger.warning(
            f'{name}: training stops after iteration {iteration}; --resume goes on from there.'
        )
        if self._saved_iter != iteration:
            meta = dict(epoch=runner.epoch, iter=iteration)
            states = dict(save_optimizer=self.save_optimizer, save_param_scheduler=self.save_param_scheduler)
            runner.save_checkpoint(
                self.out_dir, INTERRUPTED, meta=meta, backend_args=self.backend_args, **states, **self.args
            )
            if is_main_process():
                Path(runner.work_dir, 'last_checkpoint').write_text(os.path.join(self.out_dir, INTERRUPTED))
        self._should_stop()  # a barrier
        raise SystemExit(128 + self._signal)


def _accumulates(runner: Runner) -> bool:
    """Whether gradients are being accumulated, which a checkpoint does not hold."""
    optim_wrapper = runner.optim_wrapper
    counts = getattr(optim_wrapper, '_accumulative_counts', 1)
    return counts > 1 and not optim_wrapper.should_update()


def _validation_is_due(runner: Runner) -> bool:
    """The condition that the loops check after each iteration, or after each epoch."""
    loop: Any = runner.train_loop
    if runner.val_loop is None:
        return False
    loop._decide_current_val_interval()
    done, end = loop.iter, loop.max_iters
    if not hasattr(loop, 'dataloader_iterator'):
        if loop.iter != loop.epoch * len(loop.dataloader):
            return False
        done, end = loop.epoch, loop.max_epochs
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == end)


def _leave_signals_to_parent(signals: Sequence[int], initialize: Callable | None, worker: int) -> None:
    """Block stop signals in a data worker: the parent, which receives them too, still needs it."""
    if hasattr(signal, 'sigwaitinfo'):  # not on macOS
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        threading.Thread(target=_exit_on_signal_of_parent, args=(signals, os.getppid()), daemon=True).start()
    if initialize is not None:
        initialize(worker)


def _exit_on_signal_of_parent(signals: Sequence[int], parent: int) -> None:
    """Exit on a signal of the parent, as PyTorch's own handler does."""
    while signal.sigwaitinfo(signals).si_pid != parent:
        pass
    os._exit(0)
