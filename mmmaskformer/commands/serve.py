"""Serve a model over HTTP: images in, JSON or PNG out.

POST an image to /predict; /docs describes all parameters, /model the classes, /health the state.
"""

from __future__ import annotations

import argparse
import sys

from .arguments import TASKS, add_debug_argument

EXAMPLES = (
    'mmmaskformer serve work_dirs/camvid --port 8000',
    'mmmaskformer serve lite0_toy --max-batch 16 --max-wait 10',
    'mmmaskformer serve hf://ORG/NAME --task panoptic --cors https://example.org',
    'mmmaskformer serve exported',
)
DTYPES = ('fp32', 'bf16', 'fp16')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        'model', metavar='MODEL', help='work dir, checkpoint, config, hf://ORG/NAME, exported folder'
    )
    parser.add_argument('--weights', help='checkpoint, if MODEL is a config')
    parser.add_argument('--task', nargs='+', choices=TASKS, help='results to serve (default: as the config)')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda, ... (default: %(default)s)')
    parser.add_argument('--dtype', choices=DTYPES, default='fp32', help='precision (default: %(default)s)')
    parser.add_argument(
        '--host', default='127.0.0.1', help='0.0.0.0 for other machines (default: %(default)s)'
    )
    parser.add_argument('--port', type=int, default=8000, help='default: %(default)s')
    parser.add_argument('--max-batch', type=int, default=8, help='images at once (default: %(default)s)')
    parser.add_argument(
        '--max-wait', type=float, default=5, help='milliseconds for a batch (default: %(default)s)'
    )
    parser.add_argument(
        '--max-queue', type=int, default=64, help='images that may wait (default: %(default)s)'
    )
    parser.add_argument('--max-megabytes', type=float, default=20, help='of a request (default: %(default)s)')
    parser.add_argument('--max-megapixels', type=float, default=40, help='of an image (default: %(default)s)')
    parser.add_argument(
        '--cors', nargs='+', default=[], metavar='ORIGIN', help='web sites that may call (default: none)'
    )
    add_debug_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Serve; an exported model without PyTorch."""
    from ..serving.opening import check_packages, is_exported
    from .command_line import start

    try:
        check_packages()
        if is_exported(args.model):
            return _serve(args)
    except (ValueError, OSError, ImportError) as error:
        if args.debug:
            raise
        sys.exit(f'Error: {error} (--debug shows where.)')
    return start(_serve, args)


def _serve(args: argparse.Namespace) -> None:
    from ..serving.limits import MEGA, Limits
    from ..serving.opening import open_model, run_server

    limits = Limits(
        max_bytes=int(args.max_megabytes * MEGA),
        max_pixels=int(args.max_megapixels * MEGA),
        max_batch=args.max_batch,
        max_images=min(Limits.max_images, args.max_queue),
        max_wait=args.max_wait / 1000,
        max_queue=args.max_queue,
    )
    model = open_model(args.model, args.weights, args.task, args.device, args.dtype)
    run_server(model, limits, args.cors, args.host, args.port)
