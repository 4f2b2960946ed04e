#!/usr/bin/env python
"""IoU of two models class by class, sorted by what the second one gains: table and bars."""

import argparse
from pathlib import Path

from mmengine.config import DictAction

from mmmaskformer.analysis import class_scores, find_runs, pair_classes, write_class_table
from mmmaskformer.analysis.runs import RUN_SYNTAX
from mmmaskformer.apis.command_line import run


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('runs', nargs=2, metavar='RUN', help=RUN_SYNTAX)
    parser.add_argument('--evaluate', action='store_true', help='evaluate, even if there are scores')
    parser.add_argument('--best', action='store_true', help='of work dirs, take the best checkpoint')
    parser.add_argument('--out', type=Path, default=Path('comparison'), help='folder (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='for both')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    runs = find_runs(args.runs, args.cfg_options, args.best)
    for one in runs:
        one.need_checkpoint()
    first, second = (class_scores(one, args.evaluate, args.out) for one in runs)
    names = runs[0].label, runs[1].label
    print(f'\n{write_class_table(pair_classes(first, second), names, args.out)}')
    print(f'written to {args.out}/classes.md, classes.json and classes.png')


if __name__ == '__main__':
    run(main, parse_args())
