#!/usr/bin/env python
"""Write what the data pipeline makes of a data set: ``python tools/browse_dataset.py CONFIG``."""

import argparse

from mmmaskformer.apis import browse_dataset
from mmmaskformer.apis.command_line import load_config, run
from mmmaskformer.commands.arguments import make_parser


def parse_args() -> argparse.Namespace:
    parser = make_parser('Write images as the model gets them, with their labels painted over.')
    parser.add_argument('--output-dir', default='work_dirs/browse', help='folder for the images')
    parser.add_argument('--phase', choices=['train', 'val', 'test'], default='train', help='whose dataloader')
    parser.add_argument('--number', type=int, default=20, help='how many samples, from the first one on')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    paths = browse_dataset(load_config(args), args.output_dir, args.phase, args.number)
    print(f'{len(paths)} images are in {args.output_dir}')


if __name__ == '__main__':
    run(main, parse_args())
