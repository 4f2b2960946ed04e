#!/usr/bin/env python
"""Writes Cityscapes' label maps of 19 classes beside those of all labels."""

from mmmaskformer.datasets.converters import run_converter, write_cityscapes_labels

if __name__ == '__main__':
    run_converter(
        write_cityscapes_labels,
        __doc__,
        root='data/cityscapes',
        contents='leftImg8bit and gtFine',
        splits=('train', 'val'),
        extra_splits=('test',),
    )
