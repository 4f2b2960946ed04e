#!/usr/bin/env python
"""Convert an official MaskFormer checkpoint to a checkpoint of this package."""

import argparse
import sys

from mmengine.config import Config

import mmmaskformer  # noqa: F401
from mmmaskformer.checkpoints import convert_checkpoint


def parse_args() -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('source', help='official checkpoint (.pkl or .pth)')
    parser.add_argument('destination', help='file to write')
    parser.add_argument('--config', required=True, help='config of the model the checkpoint belongs to')
    return parser.parse_args()


def main() -> None:
    """Convert, and say in one sentence what does not fit."""
    args = parse_args()
    try:
        convert_checkpoint(args.source, args.destination, Config.fromfile(args.config))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'wrote {args.destination}')


if __name__ == '__main__':
    main()
