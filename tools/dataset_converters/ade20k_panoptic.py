#!/usr/bin/env python
"""Writes ADE20K's panoptic annotations, in COCO's format, from its label maps and instance maps."""

from mmmaskformer.datasets.converters import run_converter, write_ade20k_panoptic

if __name__ == '__main__':
    run_converter(
        write_ade20k_panoptic,
        __doc__,
        root='data/ade/ADEChallengeData2016',
        contents='images, annotations and annotations_instance',
        splits=('training', 'validation'),
    )
