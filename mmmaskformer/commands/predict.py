"""Predict from images, folders, videos or a camera."""

from __future__ import annotations

import argparse

from .arguments import TASKS, add_debug_argument

EXAMPLES = (
    'mmmaskformer predict photos --weights work_dirs/camvid',
    'mmmaskformer predict street.jpg --model r50_ade20k --weights model.pth --save overlay json',
)
DTYPES = ('fp32', 'bf16', 'fp16')
FORMATS = ('overlay', 'label', 'panoptic', 'json', 'geojson', 'yolo', 'coco', 'confidence', 'geotiff')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        'inputs', nargs='+', metavar='INPUT', help='image, URL, folder, glob pattern, video, or webcam:0'
    )
    parser.add_argument('--model', help='config file or name; left out, that of the checkpoint')
    parser.add_argument('--weights', help='path or URL of the checkpoint, or the folder of a training')
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
    add_debug_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Predict, and write the results."""
    from ..apis import MaskFormerInferencer
    from ..own_data.trained_model import checkpoint_of

    weights = checkpoint_of(args.weights) if args.weights else None
    inferencer = MaskFormerInferencer(args.model, weights, args.device, args.dtype, args.task)
    tile = args.tile[0] if args.tile and len(args.tile) == 1 else args.tile
    options = dict(batch_size=args.batch_size, skip_broken=args.skip_broken, progress=True)
    options.update(tile=tile, overlap=args.overlap)
    number = inferencer.save(args.inputs, args.out, args.save, args.show, **options)
    print(f'{number} results are in {args.out}')
