#!/usr/bin/env python
"""Checks the files of Mapillary Vistas, which need no conversion."""

from mmmaskformer.datasets.converters import check_mapillary, run_converter

if __name__ == '__main__':
    run_converter(
        check_mapillary,
        __doc__,
        root='data/mapillary',
        contents='training and validation',
        splits=('training', 'validation'),
        done='Checked',
    )
