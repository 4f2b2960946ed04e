"""Write a config for a folder of annotated images: it looks at the folder and asks nothing.

The config inherits those of mmmaskformer, has at most 25 lines, and every line may be changed.
"""

from __future__ import annotations

import argparse

from .arguments import add_data_arguments, add_debug_argument

EXAMPLES = (
    'mmmaskformer new data/camvid',
    'mmmaskformer new data/coco --model swin-t --task instance --out my_config.py',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument('data', metavar='DATA', help='folder of annotated images')
    parser.add_argument('--out', metavar='FILE', help='config to write (default: FOLDER.py)')
    parser.add_argument('--minutes', type=float, help='time the training will have; sets the size of images')
    add_data_arguments(parser)
    add_debug_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Write the config."""
    from ..own_data import new_config

    path = new_config(args.data, args.out, args.model, args.task, args.weights, args.minutes)
    limit = '' if args.minutes is None else f' --minutes {args.minutes:g}'
    print(f'Train it with:  mmmaskformer train {path}{limit}')
