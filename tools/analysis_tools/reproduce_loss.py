#!/usr/bin/env python
"""Compute a loss that was not finite again: ``python tools/analysis_tools/reproduce_loss.py FILE``."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.apis.reproduce import reproduce_loss


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Compute a loss that was not finite again, and say where.')
    parser.add_argument('file', help='non_finite_loss_iter_I_rank_R.pth of the work directory')
    parser.add_argument('--config', help='path of the config, by default the one in the file')
    parser.add_argument('--device', default='cpu', help='where to compute (default: %(default)s)')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    found = reproduce_loss(args.file, args.config, args.device)
    print(f'Iteration {found.iteration} with {", ".join(found.images)}')
    print(f'{"term":<20} {"then":>15} {"now":>15}')
    for name, value in found.then.items():
        print(f'{name:<20} {value:>15.6g} {found.now[name]:>15.6g}')
    first = 'none' if found.first_module is None else found.first_module or 'the model itself'
    print(f'First module whose output is not finite: {first}')


if __name__ == '__main__':
    run(main, parse_args())
