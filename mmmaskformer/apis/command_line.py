"""What the command-line tools share: their common arguments, the config, and errors on one line."""

import argparse
import gc
import os
import os.path as osp
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from mmengine.config import Config, DictAction
from torch import distributed

from ..inference.config_files import read_config
from .checks import RUNNER_SETTINGS
from .mistakes import did_you_mean, sentence_of


def make_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments every tool has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='path of the config file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='settings that override the config, for example train_dataloader.batch_size=4; '
        'lists are written key="[a,b]", without white space',
    )
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser


def add_runner_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the tools that start a runner."""
    parser.add_argument('--work-dir', help='folder for logs and checkpoints, by default work_dirs/CONFIG')
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_precision_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--amp``, alone or with a precision."""
    parser.add_argument(
        '--amp',
        nargs='?',
        const='auto',
        choices=['auto', 'bf16', 'fp16'],
        help='automatic mixed precision: bf16 unless the GPU lacks it, or the one given',
    )


def load_config(args: argparse.Namespace) -> Config:
    """The config with the command line's changes in it.

    ``work_dir`` comes from the command line, else from the config, else from the config's name.

    Raises:
        ValueError: The file is not a config, or ``--cfg-options`` has a name that is not known.
        FileNotFoundError: There is no such file.
    """
    cfg = read_config(args.config)
    if args.cfg_options is not None:
        merge_options(cfg, args.cfg_options)
    if hasattr(args, 'launcher'):
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
        cfg.launcher = args.launcher
        name = osp.splitext(osp.basename(args.config))[0]
        cfg.work_dir = args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    return cfg


def merge_options(cfg: Config, options: Mapping[str, Any]) -> None:
    """Let options as ``model.decode_head.num_classes=3`` override a config.

    Raises:
        ValueError: The first part of a name is neither in the config nor a setting of the runner, or the
            rest does not lead to a setting.
    """
    known = {*cfg, *RUNNER_SETTINGS}
    for name in options:
        first = name.split('.')[0]
        if first not in known:
            raise ValueError(
                f'--cfg-options: the config has no setting {first!r} (in {name}){did_you_mean(first, known)}'
            )
    for name, value in options.items():
        try:
            cfg.merge_from_dict({name: value})
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f'--cfg-options: {name} does not lead to a setting: {error}') from error


SECONDS_TO_LET_GO = 0.5
"""For threads of gloo to finish: they need Python's lock, which the end of the group holds while it waits."""


def run(main: Callable[[argparse.Namespace], object], args: argparse.Namespace) -> None:
    """Call ``main``; a mistake of the user ends it with one line instead of a traceback."""
    try:
        main(args)
        leave_processes()
    except SystemExit:  # a run that was told to stop
        leave_processes()
        raise
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None or args.debug:
            raise
        sys.exit(f'Error: {sentence} (--debug shows where.)')


def leave_processes() -> None:
    """End what the processes of a distributed run share, threads included, before the interpreter does.

    It would now and then abort a process whose run is done, and torchrun then calls the run failed.
    """
    if distributed.is_available() and distributed.is_initialized():
        time.sleep(SECONDS_TO_LET_GO)
        distributed.destroy_process_group()
        gc.collect()  # what holds the group, and its threads with it, does so in cycles
