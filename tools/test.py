#!/usr/bin/env python
"""Evaluate a checkpoint on the test data: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse

from mmmaskformer.apis import evaluate_model
from mmmaskformer.apis.command_line import (
    add_precision_argument,
    add_runner_arguments,
    load_config,
    make_parser,
    run,
)


def parse_args() -> argparse.Namespace:
    parser = make_parser('Evaluate a checkpoint on the test data.')
    parser.add_argument('checkpoint', help='path or URL of the checkpoint')
    add_runner_arguments(parser)
    parser.add_argument('--out', help='folder for the predictions as PNGs')
    parser.add_argument('--show-dir', help='folder for images with the predictions painted over them')
    parser.add_argument('--tta', action='store_true', help='average over several scales and flips')
    add_precision_argument(parser)
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    options = dict(out=args.out, show_dir=args.show_dir, tta=args.tta, amp=args.amp)
    evaluate_model(load_config(args), args.checkpoint, **options)


if __name__ == '__main__':
    run(main, parse_args())
