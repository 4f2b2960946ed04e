#!/usr/bin/env python
"""Evaluate a checkpoint on the test data: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.commands import test
from mmmaskformer.commands.command_line import tool_parser

main = test.main


def parse_args() -> argparse.Namespace:
    return tool_parser(test).parse_args()


if __name__ == '__main__':
    run(main, parse_args())
