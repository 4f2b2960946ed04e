"""Evaluate a checkpoint on the test data of a config."""

from __future__ import annotations

import argparse

from .arguments import add_config_arguments, add_precision_argument, add_runner_arguments

EXAMPLES = ('mmmaskformer test my_config.py work_dirs/my_config/best_mIoU_iter_600.pth --show-dir overlays',)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_config_arguments(parser)
    parser.add_argument('checkpoint', help='path or URL of the checkpoint')
    add_runner_arguments(parser)
    parser.add_argument('--out', help='folder for the predictions as PNGs')
    parser.add_argument('--show-dir', help='folder for images with the predictions painted over them')
    parser.add_argument('--tta', action='store_true', help='average over several scales and flips')
    add_precision_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Evaluate."""
    from ..apis import evaluate_model
    from ..apis.command_line import load_config

    options = dict(out=args.out, show_dir=args.show_dir, tta=args.tta, amp=args.amp)
    evaluate_model(load_config(args), args.checkpoint, **options)
