#!/usr/bin/env python
"""Writes Cityscapes' panoptic annotations, as cityscapesscripts would."""

from mmmaskformer.datasets.converters import run_converter, write_cityscapes_panoptic

if __name__ == '__main__':
    run_converter(
        write_cityscapes_panoptic,
        __doc__,
        root='data/cityscapes',
        contents='leftImg8bit and gtFine',
        splits=('train', 'val'),
        extra_splits=('test',),
    )
