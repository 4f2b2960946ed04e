#!/usr/bin/env python
"""Training curves of several runs in one image: loss and scores over iterations."""

import argparse
from pathlib import Path

from mmmaskformer.analysis import find_runs, read_records
from mmmaskformer.analysis.report import CURVES
from mmmaskformer.apis.command_line import run
from mmmaskformer.visualization import draw_training_curves


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('runs', nargs='+', metavar='WORK_DIR', help='each with LABEL= before it if wanted')
    parser.add_argument('--keys', nargs='+', help='what to draw (default: the loss and all scores found)')
    parser.add_argument('--smooth', type=int, default=1, help='losses are means of so many records')
    parser.add_argument('--out', type=Path, default=Path('curves.png'), help='default: %(default)s')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    records = {}
    for found in find_runs(args.runs):
        if found.work_dir is None:
            raise ValueError(
                f'{found.label} is not a work dir, so it has no curves: give the folder of a run'
            )
        records[found.label] = read_records(found.work_dir)
    titles = {key: CURVES.get(key, key) for key in args.keys} if args.keys else CURVES
    args.out.parent.mkdir(parents=True, exist_ok=True)
    drawn = draw_training_curves(records, args.out, titles, args.smooth)
    print(f'{", ".join(drawn)} of {", ".join(records)}: {args.out}')


if __name__ == '__main__':
    run(main, parse_args())
