#!/usr/bin/env python
"""Writes images and 16-bit label maps of ADE20K with all 847 classes."""

from mmmaskformer.datasets.converters import run_converter, write_ade20k_full

if __name__ == '__main__':
    run_converter(
        write_ade20k_full,
        __doc__,
        root='data/ade/ADE20K_2021_17_01',
        contents='images and index_ade20k.pkl',
        splits=('training', 'validation'),
    )
