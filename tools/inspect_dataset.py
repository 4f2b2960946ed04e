#!/usr/bin/env python
"""Look through the data of a config: ``python tools/inspect_dataset.py CONFIG``."""

import argparse

from mmmaskformer.apis import inspect_dataset
from mmmaskformer.apis.command_line import load_config, make_parser, run


def parse_args() -> argparse.Namespace:
    parser = make_parser('Look through the data of a config: images, classes, segments, what is left out.')
    parser.add_argument(
        '--phase',
        nargs='+',
        choices=['train', 'val', 'test'],
        default=['train', 'val'],
        help='whose data sets (default: train val)',
    )
    parser.add_argument('--out', help='folder for PHASE.json and PHASE.png')
    parser.add_argument(
        '--number', type=int, help='images to look at, evenly from first to last (default: all)'
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    inspect_dataset(load_config(args), args.phase, args.out, args.number)


if __name__ == '__main__':
    run(main, parse_args())
