#!/usr/bin/env python
"""What each query does over the test data: mean mask, classes, and the pixels it wins."""

import argparse
from pathlib import Path

from mmengine.config import DictAction

from mmmaskformer.analysis import find_runs, write_query_sheet
from mmmaskformer.analysis.runs import RUN_SYNTAX
from mmmaskformer.apis.checks import check_data
from mmmaskformer.apis.command_line import run


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('run', metavar='RUN', help=RUN_SYNTAX)
    parser.add_argument('--number', type=int, help='look at the first so many images (default: all)')
    parser.add_argument('--best', action='store_true', help='of a work dir, take the best checkpoint')
    parser.add_argument('--out', type=Path, default=Path('queries'), help='folder (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    (found,) = find_runs([args.run], args.cfg_options, args.best)
    found.need_checkpoint()
    check_data(found.config, ('test',))
    write_query_sheet(found, args.out, args.number)
    print(f'written to {args.out}/: queries.png, queries.json and query_classes.png')


if __name__ == '__main__':
    run(main, parse_args())
