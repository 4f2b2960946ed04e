#!/usr/bin/env python
"""Train a model: ``python tools/train.py CONFIG``. It is `mmmaskformer train` with the whole log."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.commands import train
from mmmaskformer.commands.command_line import tool_parser

main = train.main


def parse_args() -> argparse.Namespace:
    parser = tool_parser(train)
    parser.set_defaults(log=True)
    return parser.parse_args()


if __name__ == '__main__':
    run(main, parse_args())
