"""MaskFormer: one model, one loss and one training procedure for semantic and panoptic segmentation.

Importing the package makes the OpenMMLab releases work on today's PyTorch (:mod:`mmmaskformer.compat`) and
fills the registries, so that configs can name ``mmmaskformer.X``.
"""

import sys

from .version import __version__

# `python -m mmmaskformer.doctor` imports this file first, and must run where the rest cannot be imported.
if not (sys.argv[0] == '-m' and 'mmmaskformer.doctor' in sys.orig_argv):
    from . import compat

    compat.apply()
    from . import datasets, engine, evaluation, models

__all__ = ['__version__', 'compat', 'datasets', 'engine', 'evaluation', 'models']
