#!/usr/bin/env python
"""Writes Cityscapes' instance annotations, in COCO's format, from its instance maps."""

from mmmaskformer.datasets.converters import run_converter, write_cityscapes_instances

if __name__ == '__main__':
    run_converter(
        write_cityscapes_instances,
        __doc__,
        root='data/cityscapes',
        contents='leftImg8bit and gtFine',
        splits=('train', 'val'),
        extra_splits=('test',),
    )
