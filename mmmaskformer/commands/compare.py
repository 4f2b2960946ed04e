"""Compare models in one table: parameters, FLOPs, time, memory, mIoU, PQ, PQ^St, AP."""

from __future__ import annotations

import argparse
from pathlib import Path

from .arguments import Settings, add_debug_argument

EXAMPLES = ('mmmaskformer compare work_dirs/first work_dirs/second --best',)
RUN_SYNTAX = 'WORK_DIR, CONFIG or CONFIG,CHECKPOINT, each with LABEL= before it if wanted'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument('runs', nargs='+', metavar='RUN', help=RUN_SYNTAX)
    parser.add_argument('--shape', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'), help='size of the image')
    parser.add_argument('--repeats', type=int, default=10, help='timed predictions; 0 measures no time')
    parser.add_argument('--device', help='cpu, cuda, ... (default: a GPU if there is one)')
    parser.add_argument('--evaluate', action='store_true', help='evaluate instead of reading logged scores')
    parser.add_argument('--best', action='store_true', help='of work dirs, take the best checkpoint')
    parser.add_argument('--out', type=Path, default=Path('comparison'), help='folder (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=Settings, metavar='KEY=VALUE', help='for all')
    add_debug_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Compare, and write the table."""
    from ..analysis import compare_models, find_runs, write_table

    runs = find_runs(args.runs, args.cfg_options, args.best)
    shape = tuple(args.shape) if args.shape else None
    rows, notes = compare_models(runs, shape, args.repeats, args.evaluate, args.out, args.device)
    print(f'\n{write_table(rows, args.out, "table", notes)}\nwritten to {args.out}/table.md and table.json')
