#!/usr/bin/env python
"""All measurements for a GPU, in eight minutes, unattended.

    python benchmarks/gpu.py --camvid data/camvid --out benchmarks/results
    python benchmarks/gpu.py --dry-run --out /tmp/gpu

Writes gpu.json, gpu.md, gpu.png and gpu.log into the folder, anew after every part, so that
an interrupted run leaves what it has measured. benchmarks/README.md describes the parts and their times.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from gpu_parts import PARTS, ROOT, driver


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [part.name for part in PARTS]
    parser.add_argument('--parts', nargs='+', choices=names, default=names, help='run these parts alone')
    parser.add_argument('--minutes', type=float, default=8, help='limit of all parts together')
    parser.add_argument('--camvid', type=Path, help='folder with img and ann, for the training')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/gpu'), help='folder for the results')
    parser.add_argument('--dry-run', action='store_true', help='all parts on the CPU at tiny sizes')
    parser.add_argument('--device', choices=('cuda', 'cpu'), help='by default cuda, and cpu in a dry run')
    parser.add_argument('--plan', action='store_true', help='print how long each line should take, and end')
    parser.add_argument('--process', choices=names, help=argparse.SUPPRESS)
    parser.add_argument('--rows', type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.device = args.device or ('cpu' if args.dry_run else 'cuda')
    args.camvid = args.camvid and args.camvid.resolve()
    return args


def main() -> None:
    args = parse_args()
    if args.process:
        os.chdir(ROOT)
        raise SystemExit(driver.serve(args))
    if args.plan:
        from gpu_parts.plan import table

        print(table())
        return
    args.out.mkdir(parents=True, exist_ok=True)
    measure(args)


def measure(args: argparse.Namespace) -> None:
    """Run the parts, write the results, and print them."""
    from gpu_parts import plots, report

    about = dict(
        date=time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime()),
        device=args.device,
        dry_run=args.dry_run,
        minutes=args.minutes,
    )
    parts = [part for part in PARTS if part.name in args.parts]

    def write(results: dict, part_ended: bool) -> None:
        report.write(dict(about, parts=results), args.out)
        if part_ended:
            plots.draw(results, args.out / 'gpu.png')

    with (args.out / 'gpu.log').open('w') as log:
        results = driver.run_all(parts, args, log, write)
    print((args.out / 'gpu.md').read_text())
    if not all(result['status'] == 'done' for result in results.values()):
        sys.exit(1)


if __name__ == '__main__':
    main()
