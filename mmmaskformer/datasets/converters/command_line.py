"""What the tools in ``tools/dataset_converters`` take from the command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence


def run_converter(
    convert: Callable[[str, Sequence[str], int], dict[str, int]],
    description: str | None,
    root: str,
    contents: str,
    splits: Sequence[str],
    others: Sequence[str] = (),
    done: str = 'Converted',
) -> None:
    """Parse the arguments, convert, and say how many images that were, or what is wrong.

    Args:
        convert: Takes the folder of the data set, the splits and the number of processes; returns the number
            of images of each split.
        description: What the tool does.
        root: Where the data set is unless the user says otherwise.
        contents: What that folder holds, for the help.
        splits: Splits that are converted unless the user says otherwise.
        others: Splits that the user may also choose.
        done: The verb for what was done.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        'root', nargs='?', default=root, help=f'folder with {contents} (default: %(default)s)'
    )
    parser.add_argument('--splits', nargs='+', default=list(splits), choices=[*splits, *others])
    parser.add_argument(
        '--num-workers',
        '--workers',
        type=int,
        default=os.cpu_count(),
        help='processes (default: %(default)s)',
    )
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    args = parser.parse_args()
    try:
        counts = convert(args.root, args.splits, args.num_workers)
    except (ValueError, OSError, ImportError) as error:
        if args.debug:
            raise
        parser.exit(1, f'\nError: {error}\n')
    print(f'\n{done} {sum(counts.values())} images of {args.root}.')
