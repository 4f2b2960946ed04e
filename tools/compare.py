#!/usr/bin/env python
"""Train models alike and compare them in one table."""

import argparse
import os
from pathlib import Path

# Waiting threads soon go to sleep: on a busy machine, spinning on made training 8 times slower.
os.environ.setdefault('GOMP_SPINCOUNT', '1000')

from mmmaskformer.analysis import TrainingComparison, prepare_data, publish, train_all, write_report
from mmmaskformer.analysis.contest_plan import ContestPlan, run_contest
from mmmaskformer.analysis.contest_report import publish_contest, write_contest_report
from mmmaskformer.analysis.contest_sets import CONTESTS
from mmmaskformer.analysis.training_comparison import ENDINGS, SYSTEMS
from mmmaskformer.apis.command_line import run
from mmmaskformer.apis.console import announce

DETAILS = """
toy, camvid, toy-panoptic: each model in turn, with costs, curves, classes and queries; docs/compare.md.
ccp, coco200, camvid-panoptic: many runs with ImageNet weights, a file of scores for each; docs/evidence.md.
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=DETAILS, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('--set', default='toy', choices=[*ENDINGS, *CONTESTS], help='data set (default: toy)')
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
    contest = parser.add_argument_group('of ccp, coco200, camvid-panoptic')
    contest.add_argument('--classes', type=int, nargs='+', default=[], help='of ccp: 59 12 2 (default: all)')
    contest.add_argument('--batch', type=int, default=4, help='images of an iteration (default: 4)')
    contest.add_argument('--jobs', type=int, default=1, help='trainings at a time, on one GPU or on CPUs')
    contest.add_argument('--search-iters', type=int, default=300, help="0: the configs' learning rates")
    contest.add_argument('--search-at', type=int, nargs='+', default=[], help='classes to search at (59)')
    contest.add_argument('--work-dir', type=Path, help='of the trainings (default: work_dirs/contest/SET)')
    contest.add_argument('--report', action='store_true', help='train nothing, write table and plots')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    if args.set in CONTESTS:
        compare_many(args)
        return
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


def compare_many(args: argparse.Namespace) -> None:
    plan = ContestPlan(
        data_set=args.set,
        data_root=args.data_root or Path('data', args.set.partition('-')[0]),
        out_dir=args.out or Path('benchmarks/results', f'{args.set.replace("-", "_")}_contest'),
        work_dir=args.work_dir or Path('work_dirs/contest', args.set),
        num_classes=args.classes,
        seeds=args.seeds,
        systems=args.models,
        iterations=args.max_iters or 600,
        batch=args.batch,
        search_iterations=args.search_iters,
        search_at=args.search_at,
        jobs=args.jobs,
    )
    if not args.report:
        run_contest(plan)
    text = write_contest_report(plan.data_set, plan.out_dir)
    print(f'\n{text}\nscores, table and plots are in {plan.out_dir}/', flush=True)
    if args.write:
        publish_contest(plan.data_set, plan.out_dir, args.write)


if __name__ == '__main__':
    try:
        run(main, parse_args())
    except KeyboardInterrupt:
        raise SystemExit('\nInterrupted; the next run goes on from here.') from None
