#!/usr/bin/env python
"""Write the weights of a training to a small file without optimizer, in half precision."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.checkpoints.publishing import publish_weights


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=f'{__doc__} Example: python tools/publish_weights.py iter_800.pth model.safetensors '
        '--note license=Apache-2.0'
    )
    parser.add_argument('checkpoint', help='checkpoint of a training')
    parser.add_argument('destination', help='.safetensors file to write')
    parser.add_argument(
        '--note', action='append', default=[], metavar='NAME=TEXT', help='kept in the file; may be repeated'
    )
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    notes = dict(note.partition('=')[::2] for note in args.note)
    size = publish_weights(args.checkpoint, args.destination, notes)
    print(f'{args.destination} holds {size / 1e6:.1f} MB.')


if __name__ == '__main__':
    run(main, parse_args())
