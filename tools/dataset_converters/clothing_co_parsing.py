#!/usr/bin/env python
"""Writes images and label maps of Clothing Co-Parsing, every fifth photograph for validation."""

from mmmaskformer.datasets.converters import run_converter, write_clothing_co_parsing

if __name__ == '__main__':
    run_converter(
        write_clothing_co_parsing,
        __doc__,
        root='data/ccp',
        contents='photos, annotations and label_list.mat',
        splits=('train', 'val'),
    )
