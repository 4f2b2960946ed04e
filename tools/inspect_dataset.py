#!/usr/bin/env python
"""Look through the data of a config: ``python tools/inspect_dataset.py CONFIG``."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.commands import inspect
from mmmaskformer.commands.command_line import tool_parser

main = inspect.main


def parse_args() -> argparse.Namespace:
    return tool_parser(inspect).parse_args()


if __name__ == '__main__':
    run(main, parse_args())
