#!/usr/bin/env python
"""Watch a small MaskFormer learn: draws a data set, trains for minutes, evaluates, draws what it sees."""

import argparse
import os
import sys
from pathlib import Path

# Waiting threads soon go to sleep: on a busy machine, spinning on made training 8 times slower.
os.environ.setdefault('GOMP_SPINCOUNT', '1000')

from mmmaskformer.apis.command_line import run
from mmmaskformer.apis.demo import run_demo

ROOT = Path(__file__).resolve().parent.parent


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--config', default=ROOT / 'configs/toy/maskformer_r18_toy-panoptic.py', help='default: %(default)s'
    )
    parser.add_argument('--data', help='folder of the data set (default: data/toy, or data/toy-smoke)')
    parser.add_argument('--out', default='demo', help='folder for the results (default: %(default)s)')
    parser.add_argument(
        '--smoke', action='store_true', help='few iterations on tiny scenes, to see that all runs'
    )
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    data = args.data or ('data/toy-smoke' if args.smoke else 'data/toy')
    run_demo(args.config, data, args.out, args.smoke)


if __name__ == '__main__':
    try:
        run(main, parse_args())
    except KeyboardInterrupt:
        sys.exit('\nInterrupted; the next run starts anew.')
