#!/usr/bin/env python
"""Writes COCO-Stuff-10k's label maps from its .mat files, in MMSegmentation's folders."""

from mmmaskformer.datasets.converters import run_converter, write_coco_stuff10k

if __name__ == '__main__':
    run_converter(
        write_coco_stuff10k,
        __doc__,
        root='data/coco_stuff10k',
        contents='images, annotations and imageLists',
        splits=('train', 'test'),
    )
