#!/usr/bin/env python
"""Train models alike and compare them in one table: five of semantic sets, five of panoptic ones."""

import argparse
import os
from pathlib import Path

# Waiting threads soon go to sleep: on a busy machine, spinning on made training 8 times slower.
os.environ.setdefault('GOMP_SPINCOUNT', '1000')

from mmmaskformer.analysis import TrainingComparison, prepare_data, publish, train_all, write_report
from mmmaskformer.analysis.training_comparison import ENDINGS, SYSTEMS
from mmmaskformer.apis.command_line import run
from mmmaskformer.apis.console import announce


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--set', default='toy', choices=list(ENDINGS), help='data set (default: %(default)s)')
    parser.add_argument('--data-root', type=Path, help='its folder (default: data/SET)')
    parser.add_argument('--out', type=Path, help='folder for the results (default: compare, compare-SET)')
    parser.add_argument('--max-iters', type=int, help="iterations of each (default: MaskFormer's config)")
    parser.add_argument('--seeds', type=int, nargs='+', default=[0], help='train with each of these')
    known = list({model: None for systems in SYSTEMS.values() for model in systems})
    parser.add_argument('--models', nargs='+', default=[], metavar='MODEL', help=f'of {known} (default: all)')
    parser.add_argument('--write', type=Path, help='a document with a place for table and curves')
    parser.add_argument('--repeats', type=int, default=20, help='timed predictions; 0 measures no time')
    parser.add_argument('--smoke', action='store_true', help='few iterations on tiny scenes, to see all run')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    name = f'{args.set}-smoke' if args.smoke else args.set
    comparison = TrainingComparison(
        data_set=args.set,
        data_root=args.data_root or Path('data', name),
        out_dir=args.out or Path('compare' if name == 'toy' else f'compare-{name}'),
        max_iters=args.max_iters,
        seeds=args.seeds,
        models=args.models,
        smoke=args.smoke,
    )
    prepare_data(comparison)
    runs = train_all(comparison)
    announce('Costs and images')
    text = write_report(comparison, runs, args.repeats)
    print(f'\n{text}\ntable, curves, classes and queries are in {comparison.out_dir}/', flush=True)
    if args.write:
        publish(comparison, text, args.write)


if __name__ == '__main__':
    try:
        run(main, parse_args())
    except KeyboardInterrupt:
        raise SystemExit('\nInterrupted; the next run goes on from here.') from None
