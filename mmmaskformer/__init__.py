"""MaskFormer: one model, one loss and one training procedure for semantic and panoptic segmentation.

Importing the package makes the OpenMMLab releases work on today's PyTorch (:mod:`mmmaskformer.compat`) and
fills the registries, so that configs can name ``mmmaskformer.X``.
"""

import importlib.util
import sys

from .version import __version__

__all__ = ['__version__']


def _called_as_doctor() -> bool:
    """Whether Python is starting ``python -m mmmaskformer.doctor``, which must run where nothing else does."""
    return sys.argv[0] == '-m' and 'mmmaskformer.doctor' in sys.orig_argv


if not _called_as_doctor():
    from . import compat

    compat.apply()
    for _name in ('datasets', 'engine', 'evaluation', 'models', 'visualization'):
        if importlib.util.find_spec(f'mmmaskformer.{_name}') is not None:
            importlib.import_module(f'mmmaskformer.{_name}')
