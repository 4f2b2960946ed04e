"""MaskFormer: one model, one loss and one training procedure for semantic and panoptic segmentation.

Importing the package makes the OpenMMLab releases work on today's PyTorch (:mod:`mmmaskformer.compat`) and
fills the registries, so that configs can name ``mmmaskformer.X``. From a folder of images to a prediction::

    import mmmaskformer

    trained = mmmaskformer.train('data/camvid', minutes=30)
    results = mmmaskformer.load(trained.work_dir).predict('photos')
"""

import importlib
import sys
from pathlib import Path
from typing import Any

from .version import __version__


def fill_registries() -> None:
    """Apply the workarounds and register what the package has; importing the package has done so."""
    from . import compat

    compat.apply()
    for name in ('datasets', 'engine', 'evaluation', 'models'):
        importlib.import_module(f'{__name__}.{name}')


def _is_command() -> bool:
    """Whether the process is the command `mmmaskformer`, or the doctor.

    They import this file first, and import the rest when they need it: help comes up at once, and the doctor
    runs where the rest cannot be imported. Processes that they start import everything.
    """
    arguments = sys.orig_argv
    if '--multiprocessing-fork' in arguments:
        return False
    if sys.argv[0] == '-m':
        return bool({'mmmaskformer', 'mmmaskformer.doctor'} & {arguments[arguments.index('-m') + 1]})
    return Path(sys.argv[0]).name in ('mmmaskformer', 'mmmaskformer.exe', 'mmmaskformer-script.py')


def __getattr__(name: str) -> Any:
    """The calls of `mmmaskformer.own_data`, which are imported when they are used."""
    if name in ('train', 'load'):
        return getattr(importlib.import_module(f'{__name__}.own_data'), name)
    if name in ('compat', 'datasets', 'engine', 'evaluation', 'models'):
        return importlib.import_module(f'{__name__}.{name}')
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


if not (sys.argv and _is_command()):
    fill_registries()

__all__ = [
    '__version__',
    'compat',
    'datasets',
    'engine',
    'evaluation',
    'fill_registries',
    'load',
    'models',
    'train',
]
