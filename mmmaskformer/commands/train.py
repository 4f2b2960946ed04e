"""Train a model, from a folder of annotated images or from a config."""

from __future__ import annotations

import argparse

from .arguments import (
    add_config_arguments,
    add_data_arguments,
    add_precision_argument,
    add_runner_arguments,
    is_folder,
)

EXAMPLES = (
    'mmmaskformer train data/camvid --minutes 30',
    'mmmaskformer train my_config.py',
)
TRACKERS = ('tensorboard', 'wandb', 'mlflow')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_config_arguments(parser, 'CONFIG|DATA', 'config file, or folder of annotated images')
    add_runner_arguments(parser, '--out')
    parser.add_argument('--minutes', type=float, help='time for training and validation; sets the iterations')
    parser.add_argument('--resume', action='store_true', help='go on from the newest checkpoint')
    parser.add_argument('--tracker', choices=TRACKERS, help='experiment tracker to log to as well')
    parser.add_argument('--log', action='store_true', help='print the whole log instead of progress')
    add_precision_argument(parser)
    add_data_arguments(parser)


def main(args: argparse.Namespace) -> None:
    """Train."""
    from ..own_data import train, train_config

    if is_folder(args.config):
        _refuse(args, 'resume', 'a folder: give the config in its work dir')
        train(
            args.config,
            args.model,
            args.work_dir,
            args.minutes,
            task=args.task,
            weights=args.weights,
            amp=args.amp,
            tracker=args.tracker,
            settings=args.cfg_options,
            log=args.log,
        )
        return
    for name in ('model', 'task', 'weights'):
        _refuse(args, name, 'a config: change it there')
    train_config(args)


def _refuse(args: argparse.Namespace, name: str, reason: str) -> None:
    if getattr(args, name):
        raise ValueError(f'--{name} does not apply to {reason}.')
