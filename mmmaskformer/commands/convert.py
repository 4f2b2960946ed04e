"""Convert a checkpoint from or to another code base.

Read are MaskFormer, Mask2Former and DETR of the official implementations and of HuggingFace, deeplab2's
MaX-DeepLab, and models of mmseg, mmdet, mmpretrain and torchvision.
"""

from __future__ import annotations

import argparse

from .arguments import add_debug_argument

EXAMPLES = (
    'mmmaskformer convert model_final_d8dbeb.pkl r50_ade20k.pth',
    'mmmaskformer convert r50_ade20k.pth r50_ade20k --to huggingface',
)
TARGETS = ('mmmaskformer', 'huggingface', 'official')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument('source', help='file, folder (HuggingFace) or URL; its content tells the format')
    parser.add_argument('destination', help='file to write, or folder with --to huggingface')
    parser.add_argument('--config', help='config of the model; by default found by the shapes of the tensors')
    parser.add_argument('--to', choices=TARGETS, default=TARGETS[0], help='format to write')
    add_debug_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Convert."""
    from ..checkpoints import convert_checkpoint
    from ..inference.config_files import read_config

    config = read_config(args.config) if args.config else None
    for note in convert_checkpoint(args.source, args.destination, config, args.to):
        print(note)
    print(f'Wrote {args.destination}.')
