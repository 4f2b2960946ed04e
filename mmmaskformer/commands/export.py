"""Export a model to ONNX, torch.export or OpenVINO."""

from __future__ import annotations

import argparse

from .arguments import TASKS, add_debug_argument

EXAMPLES = (
    'mmmaskformer export my_config.py work_dirs/camvid --to onnx --out exported',
    'mmmaskformer export lite0_toy --task panoptic --size 192 256 --out exported',
    'mmmaskformer export r50_ade20k model.pth --to openvino --int8 --calibrate photos --out exported',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        'model', metavar='CONFIG', help='config file or name, or a checkpoint that carries its config'
    )
    parser.add_argument(
        'weights', metavar='WEIGHTS', nargs='?', help='checkpoint, or the folder of a training'
    )
    parser.add_argument(
        '--to', choices=('onnx', 'torch', 'openvino'), default='onnx', help='format (default: onnx)'
    )
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write')
    parser.add_argument('--task', nargs='+', choices=TASKS, help='results wanted (default: as the config)')
    parser.add_argument(
        '--size',
        nargs='+',
        default=['dynamic'],
        metavar='PIXELS',
        help='height and width, or dynamic (the default)',
    )
    parser.add_argument('--batch', default='dynamic', help='number of images, or dynamic (the default)')
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument('--fp16', action='store_true', help='weights of 16 bits, half the file')
    precision.add_argument('--int8', action='store_true', help='8 bits, calibrated on --calibrate')
    parser.add_argument('--calibrate', metavar='FOLDER', help='images for --int8, about 100')
    parser.add_argument(
        '--opset', type=int, default=18, help="version of ONNX's operators (default: %(default)s)"
    )
    add_debug_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Export, compare, and print the differences."""
    from ..export import Settings, export_model
    from ..export.check import sentences
    from ..own_data.trained_model import checkpoint_of

    model, weights = args.model, args.weights
    if weights is None and _is_training(model):
        model, weights = None, model
    settings = Settings(
        to=args.to,
        tasks=args.task,
        size=_size(args.size),
        batch=_number(args.batch, '--batch'),
        precision='int8' if args.int8 else 'fp16' if args.fp16 else 'fp32',
        calibrate=args.calibrate,
        opset=args.opset,
    )
    figures = export_model(model, None if weights is None else checkpoint_of(weights), args.out, settings)
    print('Against the model:')
    for line in sentences(figures):
        print(f'  {line}')
    print(f'The exported model is in {args.out}.')


def _is_training(path: str) -> bool:
    from pathlib import Path

    return Path(path).is_dir()


def _size(values: list[str]) -> tuple[int, int] | None:
    if values == ['dynamic']:
        return None
    sides = [_number(value, '--size') for value in values]
    if len(sides) != 2 or None in sides:
        raise ValueError(f"--size is {' '.join(values)!r}: give height and width, or 'dynamic'.")
    return int(sides[0] or 0), int(sides[1] or 0)


def _number(value: str, option: str) -> int | None:
    if value == 'dynamic':
        return None
    if not value.isdigit() or not int(value):
        raise ValueError(f"{option} is {value!r}: give a whole number, or 'dynamic'.")
    return int(value)
