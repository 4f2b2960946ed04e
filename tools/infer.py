#!/usr/bin/env python
"""Predict from images or videos: ``python tools/infer.py INPUT --model r50_ade20k --weights W``."""

import argparse
import sys

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.apis.command_line import run
from mmmaskformer.inference.settings import DTYPES, TASKS
from mmmaskformer.inference.writers import FORMATS


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Predict from images, folders, videos or a camera.')
    parser.add_argument(
        'inputs', nargs='+', metavar='INPUT', help='image, URL, folder, glob pattern, video, or webcam:0'
    )
    parser.add_argument('--model', help='config file or name; left out, that of the checkpoint')
    parser.add_argument('--weights', help='path or URL of the checkpoint')
    parser.add_argument('--out', default='predictions', help='folder for the results (default: %(default)s)')
    parser.add_argument('--task', nargs='+', choices=TASKS, help='results wanted (default: as the config)')
    parser.add_argument('--save', nargs='+', choices=FORMATS, default=['overlay'], help='what to write')
    parser.add_argument('--batch-size', type=int, default=1, help='images at once')
    parser.add_argument(
        '--tile',
        type=int,
        nargs='+',
        metavar='SIZE',
        help='predict in tiles: one number, or height and width',
    )
    parser.add_argument(
        '--overlap', type=int, help='pixels that neighboring tiles share (default: an eighth)'
    )
    parser.add_argument(
        '--device', default='auto', help='auto, cpu, cuda, cuda:1, ... (default: %(default)s)'
    )
    parser.add_argument('--dtype', choices=DTYPES, default='fp32', help='precision (default: %(default)s)')
    parser.add_argument('--skip-broken', action='store_true', help='leave out what cannot be read')
    parser.add_argument('--show', action='store_true', help='open a window with the overlays; q ends')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    inferencer = MaskFormerInferencer(args.model, args.weights, args.device, args.dtype, args.task)
    tile = args.tile[0] if args.tile and len(args.tile) == 1 else args.tile
    options = dict(batch_size=args.batch_size, skip_broken=args.skip_broken, progress=True)
    options.update(tile=tile, overlap=args.overlap)
    number = inferencer.save(args.inputs, args.out, args.save, args.show, **options)
    print(f'{number} results are in {args.out}')


if __name__ == '__main__':
    try:
        run(main, parse_args())
    except KeyboardInterrupt:
        sys.exit('\nInterrupted; what was written until then is complete.')
