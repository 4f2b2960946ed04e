"""Upload a trained model to the Hugging Face hub, with a card made from the run.

Written are weights as safetensors, the config, the classes and a card; see docs/hub.md.
"""

from __future__ import annotations

import argparse

from .arguments import add_debug_argument

EXAMPLES = (
    'mmmaskformer push work_dirs/camvid me/camvid --license cc-by-4.0',
    'mmmaskformer push work_dirs/camvid me/camvid --out look_at_it_first',
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument('source', metavar='WORK_DIR', help='folder of a training, or a checkpoint')
    parser.add_argument('repo', metavar='ORG/NAME', help='repository on the hub; created if needed')
    parser.add_argument('--model', help='config of a checkpoint that does not carry one')
    parser.add_argument(
        '--license', metavar='ID', help='license of the weights, as apache-2.0 (default: not stated)'
    )
    parser.add_argument(
        '--image', help='image for an example figure; it will be public, so have the right to it'
    )
    parser.add_argument('--half', action='store_true', help='store matrices as float16: half the bytes')
    parser.add_argument('--private', action='store_true', help='create a private repository')
    parser.add_argument('--revision', help='branch (default: main)')
    parser.add_argument('--out', metavar='FOLDER', help='write the files to this folder, and upload nothing')
    add_debug_argument(parser)


def main(args: argparse.Namespace) -> None:
    """Upload, or write."""
    from ..hub import push_to_hub, write_for_hub
    from ..hub.push import Options

    options = Options(args.model, args.license, args.image, args.half)
    if args.out:
        files = write_for_hub(args.source, args.repo, args.out, options)
        print(f'Wrote {", ".join(path.name for path in files)} to {args.out}; nothing was uploaded.')
        return
    print(f'Uploaded: {push_to_hub(args.source, args.repo, options, args.private, args.revision)}')
