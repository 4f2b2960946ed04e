#!/usr/bin/env python
"""Predict from images or videos: ``python tools/infer.py INPUT --model r50_ade20k --weights W``."""

import argparse
import sys

from mmmaskformer.apis.command_line import run
from mmmaskformer.commands import predict
from mmmaskformer.commands.command_line import tool_parser

main = predict.main


def parse_args() -> argparse.Namespace:
    return tool_parser(predict).parse_args()


if __name__ == '__main__':
    try:
        run(main, parse_args())
    except KeyboardInterrupt:
        sys.exit('\nInterrupted; what was written until then is complete.')
