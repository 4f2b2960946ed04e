#!/usr/bin/env python
"""Train a model: ``python tools/train.py CONFIG``."""

import argparse

from mmmaskformer.apis import train_model
from mmmaskformer.apis.command_line import (
    add_precision_argument,
    add_runner_arguments,
    load_config,
    make_parser,
    run,
)
from mmmaskformer.apis.trackers import TRACKERS, add_tracker


def parse_args() -> argparse.Namespace:
    parser = make_parser('Train a model.')
    add_runner_arguments(parser)
    parser.add_argument('--resume', action='store_true', help='go on from the newest checkpoint')
    parser.add_argument('--tracker', choices=list(TRACKERS), help='experiment tracker to log to as well')
    add_precision_argument(parser)
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    cfg = load_config(args)
    if args.tracker is not None:
        add_tracker(cfg, args.tracker)
    train_model(cfg, resume=args.resume, amp=args.amp)


if __name__ == '__main__':
    run(main, parse_args())
