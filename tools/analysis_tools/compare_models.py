#!/usr/bin/env python
"""Models in one table: parameters, FLOPs (multiply-adds), time, memory, mIoU, PQ, PQ^St, AP."""

import argparse
from pathlib import Path

from mmengine.config import DictAction

from mmmaskformer.analysis import compare_models, find_runs, write_table
from mmmaskformer.analysis.runs import RUN_SYNTAX
from mmmaskformer.apis.command_line import run


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('runs', nargs='+', metavar='RUN', help=RUN_SYNTAX)
    parser.add_argument('--shape', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'), help='size of the image')
    parser.add_argument('--repeats', type=int, default=10, help='timed predictions; 0 measures no time')
    parser.add_argument('--device', help='cpu, cuda, ... (default: a GPU if there is one)')
    parser.add_argument('--evaluate', action='store_true', help='evaluate instead of reading logged scores')
    parser.add_argument('--best', action='store_true', help='of work dirs, take the best checkpoint')
    parser.add_argument('--out', type=Path, default=Path('comparison'), help='folder (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='for all')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    runs = find_runs(args.runs, args.cfg_options, args.best)
    shape = tuple(args.shape) if args.shape else None
    rows, notes = compare_models(runs, shape, args.repeats, args.evaluate, args.out, args.device)
    print(f'\n{write_table(rows, args.out, "table", notes)}\nwritten to {args.out}/table.md and table.json')


if __name__ == '__main__':
    run(main, parse_args())
