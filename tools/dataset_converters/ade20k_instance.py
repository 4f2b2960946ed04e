#!/usr/bin/env python
"""Writes ADE20K's instance annotations, in COCO's format, from its instance maps."""

from mmmaskformer.datasets.converters import run_converter, write_ade20k_instances

if __name__ == '__main__':
    run_converter(
        write_ade20k_instances,
        __doc__,
        root='data/ade/ADEChallengeData2016',
        contents='images and annotations_instance',
        splits=('training', 'validation'),
    )
