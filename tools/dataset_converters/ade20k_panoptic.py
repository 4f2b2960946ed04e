#!/usr/bin/env python
"""Writes ADE20K's panoptic annotations, in COCO's format, from its label maps and instance maps."""

import argparse
import os

from mmmaskformer.datasets.converters import write_ade20k_panoptic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'root',
        nargs='?',
        default='data/ade/ADEChallengeData2016',
        help='folder with images, annotations and annotations_instance (default: %(default)s)',
    )
    parser.add_argument(
        '--splits', nargs='+', default=['training', 'validation'], choices=['training', 'validation']
    )
    parser.add_argument(
        '--num-workers', type=int, default=os.cpu_count(), help='processes (default: %(default)s)'
    )
    args = parser.parse_args()
    try:
        written = write_ade20k_panoptic(args.root, args.splits, args.num_workers)
    except (ValueError, OSError) as error:
        parser.exit(1, f'\nError: {error}\n')
    print(f'\nConverted {sum(written.values())} images of {args.root}.')


if __name__ == '__main__':
    main()
