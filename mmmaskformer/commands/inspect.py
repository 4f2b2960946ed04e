"""Look through data: images, classes, segments, and what is left out.

Of a folder, the format and what its annotations allow; of a config, every image of its data sets.
"""

from __future__ import annotations

import argparse

from .arguments import add_config_arguments, is_folder

EXAMPLES = (
    'mmmaskformer inspect data/camvid',
    'mmmaskformer inspect my_config.py --phase train --out report',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_config_arguments(parser, 'CONFIG|DATA', 'config file, or folder of data')
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


def main(args: argparse.Namespace) -> None:
    """Print what is found."""
    if is_folder(args.config):
        from ..own_data import describe_folder

        print('\n'.join(describe_folder(args.config)))
        return
    from ..apis import inspect_dataset
    from ..apis.command_line import load_config

    inspect_dataset(load_config(args), args.phase, args.out, args.number)
