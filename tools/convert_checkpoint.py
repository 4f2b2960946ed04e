#!/usr/bin/env python
"""Convert checkpoints of MaskFormer, Mask2Former, DETR, MaX-DeepLab and backbones.

``python tools/convert_checkpoint.py SRC DST``
"""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.commands import convert
from mmmaskformer.commands.command_line import tool_parser

main = convert.main


def parse_args() -> argparse.Namespace:
    return tool_parser(convert).parse_args()


if __name__ == '__main__':
    run(main, parse_args())
