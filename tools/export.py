#!/usr/bin/env python
"""Export a model: ``python tools/export.py CONFIG WEIGHTS --to onnx --out DIR``."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.commands import export
from mmmaskformer.commands.command_line import tool_parser

main = export.main


def parse_args() -> argparse.Namespace:
    return tool_parser(export).parse_args()


if __name__ == '__main__':
    run(main, parse_args())
