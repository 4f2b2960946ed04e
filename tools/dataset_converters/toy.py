"""Writes the toy data set: drawn street scenes with ADE20K-like label maps and COCO panoptic annotations."""

import argparse

from mmmaskformer.apis.command_line import run
from mmmaskformer.toy_scenes import ToyRecipe, write_toy


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', default='data/toy', help='folder to write to (default: %(default)s)')
    parser.add_argument(
        '--num-training', type=int, default=ToyRecipe.num_training, help='default: %(default)s'
    )
    parser.add_argument(
        '--num-validation', type=int, default=ToyRecipe.num_validation, help='default: %(default)s'
    )
    parser.add_argument(
        '--height', type=int, default=ToyRecipe.height, help='of a scene (default: %(default)s)'
    )
    parser.add_argument(
        '--width', type=int, default=ToyRecipe.width, help='of a scene (default: %(default)s)'
    )
    parser.add_argument('--seed', type=int, default=ToyRecipe.seed, help='default: %(default)s')
    parser.add_argument('--num-workers', type=int, default=2, help='threads that draw (default: %(default)s)')
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    recipe = ToyRecipe(args.num_training, args.num_validation, args.height, args.width, args.seed)
    written = write_toy(args.out, recipe, args.num_workers)
    print(
        f'The toy data set is in {args.out}.'
        if written
        else f'{args.out} already holds this toy data set; nothing written.'
    )


if __name__ == '__main__':
    run(main, parse_args())
