#!/usr/bin/env python
"""Write metafiles, the index and the tables of the model zoo: ``python tools/model_zoo.py``."""

import argparse
import sys
from pathlib import Path

from mmmaskformer.apis.command_line import run
from mmmaskformer.zoo import stale_files, update_metafiles, write_tables

ROOT = Path(__file__).resolve().parents[1]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Write configs/*/metafile.yml and model-index.yml from the configs (results and weights '
        'in them are written by hand, and stay), and the tables in configs/*/README.md and docs/model_zoo.md.'
    )
    parser.add_argument('--only-new', action='store_true', help='measure only models that have no size yet')
    parser.add_argument('--tables', action='store_true', help='write the tables alone')
    parser.add_argument('--check', action='store_true', help='write nothing; fail if a table is out of date')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    if args.check:
        stale = ', '.join(str(path.relative_to(ROOT)) for path in stale_files(ROOT))
        sys.exit(f'Out of date: {stale}; run python tools/model_zoo.py --tables.' if stale else 0)
    if not args.tables:
        update_metafiles(ROOT, remeasure=not args.only_new)
    write_tables(ROOT)


if __name__ == '__main__':
    run(main, parse_args())
