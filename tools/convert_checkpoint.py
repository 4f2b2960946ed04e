#!/usr/bin/env python
"""Convert an official checkpoint: ``python tools/convert_checkpoint.py SRC DST --config CFG``."""

import argparse

from mmengine.config import Config

from mmmaskformer.apis.command_line import run
from mmmaskformer.checkpoints import convert_checkpoint


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Convert an official checkpoint to one of this package.')
    parser.add_argument('source', help='official checkpoint (.pkl or .pth)')
    parser.add_argument('destination', help='file to write')
    parser.add_argument('--config', required=True, help='config of the model the checkpoint belongs to')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    convert_checkpoint(args.source, args.destination, Config.fromfile(args.config))
    print(f'Wrote {args.destination}.')


if __name__ == '__main__':
    run(main, parse_args())
