#!/usr/bin/env python
"""Models in one table: parameters, FLOPs (multiply-adds), time, memory, mIoU, PQ, PQ^St, AP."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.commands import compare
from mmmaskformer.commands.command_line import tool_parser

main = compare.main


def parse_args() -> argparse.Namespace:
    return tool_parser(compare).parse_args()


if __name__ == '__main__':
    run(main, parse_args())
