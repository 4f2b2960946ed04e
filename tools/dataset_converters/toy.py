"""Writes the toy data set: drawn street scenes with ADE20K-like label maps and COCO panoptic annotations."""

import argparse

from mmmaskformer.datasets.toy import ToyRecipe, write_toy


def main() -> None:
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
    args = vars(parser.parse_args())
    out, num_workers = args.pop('out'), args.pop('num_workers')
    try:
        written = write_toy(out, ToyRecipe(**args), num_workers)
    except (ValueError, FileExistsError) as error:
        parser.exit(1, f'{error}\n')
    print(
        f'The toy data set is in {out}.'
        if written
        else f'{out} already holds this toy data set; nothing written.'
    )


if __name__ == '__main__':
    main()
