#!/usr/bin/env python
"""Convert checkpoints of any MaskFormer or backbone: ``python tools/convert_checkpoint.py SRC DST``."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.checkpoints import TARGETS, convert_checkpoint
from mmmaskformer.inference.config_files import read_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Convert a checkpoint of the official implementation, HuggingFace, mmseg, mmdet, '
        'mmpretrain or torchvision to one of this package, or one of this package to another format.'
    )
    parser.add_argument('source', help='file, folder (HuggingFace) or URL; its content tells the format')
    parser.add_argument('destination', help='file to write, or folder with --to huggingface')
    parser.add_argument('--config', help='config of the model; by default found by the shapes of the tensors')
    parser.add_argument('--to', choices=TARGETS, default=TARGETS[0], help='format to write')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    config = read_config(args.config) if args.config else None
    for note in convert_checkpoint(args.source, args.destination, config, args.to):
        print(note)
    print(f'Wrote {args.destination}.')


if __name__ == '__main__':
    run(main, parse_args())
