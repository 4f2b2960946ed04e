"""Arguments that several commands share. Nothing heavy is imported: ``--help`` and completion stay quick."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TASKS = ('semantic', 'panoptic', 'instance')


class Settings(argparse.Action):
    """``KEY=VALUE ...``, read as MMEngine's ``DictAction`` does, which is imported only when needed."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, *option: Any
    ) -> None:
        """Read the values."""
        from mmengine.config import DictAction

        DictAction(self.option_strings, self.dest, nargs='+')(parser, namespace, values, *option)


def make_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the arguments of every tool that reads a config."""
    parser = argparse.ArgumentParser(description=description)
    add_config_arguments(parser)
    return parser


def add_config_arguments(
    parser: argparse.ArgumentParser, metavar: str = 'CONFIG', text: str = 'path of the config file'
) -> None:
    """Add the config, ``--cfg-options`` and ``--debug``."""
    parser.add_argument('config', metavar=metavar, help=text)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=Settings,
        metavar='KEY=VALUE',
        help='settings that override the config, for example train_dataloader.batch_size=4; '
        'lists are written key="[a,b]", without white space',
    )
    add_debug_argument(parser)


def add_debug_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--debug``."""
    parser.add_argument('--debug', action='store_true', help='show the full traceback of an error')


def add_runner_arguments(parser: argparse.ArgumentParser, *aliases: str) -> None:
    """Add the arguments of the tools that start a runner; ``aliases`` are other names of ``--work-dir``."""
    parser.add_argument(
        '--work-dir', *aliases, help='folder for logs and checkpoints, by default work_dirs/CONFIG'
    )
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


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``new`` and ``train`` ask about a folder of data; all of it may be left out."""
    group = parser.add_argument_group('for a folder of data')
    group.add_argument('--model', help='efficientnet-lite0, r18, r50, swin-t, mask2former-r50, ...')
    group.add_argument('--task', choices=TASKS, help='default: what the annotations allow')
    group.add_argument('--weights', metavar='FILE', help='pre-trained weights of the backbone or a model')


def example(lines: Sequence[str]) -> str:
    """The examples below a help text."""
    return '\n'.join(['examples:', *(f'  {line}' for line in lines)])


def is_folder(path: str) -> bool:
    """Whether an argument is a folder of data, not a config file."""
    return Path(path).is_dir()
