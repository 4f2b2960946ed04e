"""Run the tests in fresh environments of many versions, and keep a table of what passes.

    python tests/versions/try_versions.py [ROW ...] [--quick] [--python 3.13=/path/to/python ...]

Rows are those of matrix.json; without names, all of them run, one after the other. What is committed is
tested, from a copy. Each row's environment is made, used and deleted; its result takes the place of an older
one in results.json, and docs/versions.md is written anew. Needs nothing but Python, git and a network.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from environment import Environment, interpreter  # noqa: E402
from version_table import SHOWN, keep_result, read_results, write_page  # noqa: E402

MATRIX = json.loads((HERE / 'matrix.json').read_text())


def parse_args() -> argparse.Namespace:
    names = [row['name'] for row in MATRIX['rows']]
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('rows', nargs='*', metavar='ROW', help=f'of {", ".join(names)} (default: all)')
    parser.add_argument('--quick', action='store_true', help='the tests named in matrix.json, not all')
    parser.add_argument(
        '--python', nargs='+', default=[], metavar='X.Y=PATH', help='interpreters not on PATH'
    )
    parser.add_argument('--again', action='store_true', help='only what failed in the last result')
    parser.add_argument('--keep', help='make the environment in this folder and leave it there')
    args = parser.parse_args()
    if unknown := set(args.rows) - set(names):
        parser.error(f'no row {", ".join(sorted(unknown))}; there are {", ".join(names)}')
    return args


def git(*arguments: str) -> bytes:
    """What git prints."""
    return subprocess.run(['git', *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def copy_repository(folder: Path) -> Path:
    """What is committed, beside the shared data that some tests take."""
    copy = folder / 'repository'
    copy.mkdir()
    subprocess.run(['tar', '-x'], cwd=copy, check=True, input=git('archive', 'HEAD'))
    if (ROOT.parent / 'shared').is_dir():
        (folder / 'shared').symlink_to(ROOT.parent / 'shared')
    return copy


def run_row(row: dict, args: argparse.Namespace) -> dict:
    """Try one row: its result."""
    chosen = dict(choice.split('=', 1) for choice in args.python)
    python = interpreter(row['python'], chosen)
    if python is None:
        return dict(state='not run', why=f'no Python {row["python"]} found')
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_repository(Path(folder))
        environment = Environment(Path(args.keep or folder, row['name']), python, copy)
        why = environment.install(row)
        if why:
            return dict(state='does not install', why=why, versions=environment.versions())
        last = read_results().get(row['name'], {})
        if args.again and last.get('failures'):
            again = environment.run_tests([f'tests/{name}' for name in last['failures']])
            again['repeated'] = True
            return {**last, **again, **{key: last[key] + again.get(key, 0) for key in ('passed', 'skipped')}}
        result = environment.run_tests(MATRIX['quick'] if args.quick else [])
        return {**result, 'quick': args.quick, 'versions': environment.versions()}


def main() -> int:
    args = parse_args()
    good = True
    for row in MATRIX['rows']:
        if args.rows and row['name'] not in args.rows:
            continue
        print(f'== {row["name"]}: {row["what"]}', flush=True)
        commit = git('rev-parse', '--short', 'HEAD').decode().strip()
        result = run_row(row, args)
        shown = list(result.get('failures', {}))[:SHOWN]
        print(json.dumps({**result, 'failures': shown}, indent=1), flush=True)
        keep_result(row['name'], result, commit)
        write_page(MATRIX['rows'], read_results())
        good &= result['state'] == 'passed'
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
