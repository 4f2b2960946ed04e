"""Console output of training and evaluation: progress, scores and tables."""

import logging
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from ..engine.time_budget_hook import LENGTH_UNKNOWN
from .runner import build_runner

# Warnings about internals of MMEngine, which appear in every run.
INTERNAL_WARNINGS = (
    'The prefix is not set in metric class',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)
SHOWN_SCORES = {'mIoU': 'mIoU', 'PQ': 'PQ', 'PQ_sem': 'PQ^St', 'AP': 'AP'}


def announce(title: str) -> None:
    """Print the title of a step."""
    print(f'\n== {title}', flush=True)


def summary(scores: Mapping[str, float]) -> str:
    """The main scores on one line."""
    return ', '.join(f'{title} {scores[name]:.1f}' for name, title in SHOWN_SCORES.items() if name in scores)


def minutes(seconds: float) -> str:
    """``'4:05 min'``."""
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d} min'


def device_name(model: nn.Module) -> str:
    """Name of the device that a model is on, for people."""
    device = next(model.parameters()).device
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    return f'{device.type.upper()} (threads: {torch.get_num_threads()})'


class ConsoleFilter(logging.Filter):
    """Lets warnings pass, and with ``tables`` the tables per class; the log file has everything."""

    tables = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is printed."""
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            return not message.startswith(INTERNAL_WARNINGS)
        return self.tables and '+--' in message


def build_quiet_runner(cfg: Config, console: ConsoleFilter) -> Runner:
    """A runner that prints progress and what the filter passes; its log file has all records."""
    cfg.log_level = 'WARNING'  # no dump of the environment and the config; the log is turned on below
    runner = build_runner(cfg)
    runner.register_hook(ProgressHook(), 'VERY_LOW')
    runner.logger.setLevel(logging.INFO)
    for handler in runner.logger.handlers:
        handler.setLevel(logging.INFO)
        if not isinstance(handler, logging.FileHandler):
            handler.addFilter(console)
            handler.setFormatter(logging.Formatter('%(message)s'))
    return runner


class ProgressHook(Hook):
    """Prints loss and time left every ten iterations, and the scores after each validation."""

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Print loss and time left."""
        iteration = runner.iter + 1
        if runner.message_hub.get_info(LENGTH_UNKNOWN, False):
            return
        if iteration == 1 or iteration % 10 == 0 or iteration == runner.max_iters:
            losses = runner.message_hub.get_scalar('train/loss')
            eta = runner.message_hub.get_info('eta', 0)
            print(
                f'iteration {iteration:4d}/{runner.max_iters}   loss {losses.mean(10):6.3f}   '
                f'about {minutes(eta)} of training left',
                flush=True,
            )

    def before_val(self, runner: Runner) -> None:
        """Print that validation begins."""
        print('validating ...', flush=True)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Print the scores."""
        print(f'iteration {runner.iter:4d}/{runner.max_iters}   {summary(metrics or {})}', flush=True)
