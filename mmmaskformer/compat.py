"""What the OpenMMLab releases need on today's PyTorch: each function is one workaround, with its reason.

:func:`apply` runs them all; ``import mmmaskformer`` calls it before anything else. Nothing here changes how
a working installation behaves, and ``python -m mmmaskformer.doctor`` lists which of them were active.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.util
import pickle
import sys
import warnings
from collections.abc import Callable
from importlib import metadata
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

MMCV_EXTENSION = 'mmcv._ext'
TRANSFORMERS_NAMES = (  # what mmpretrain 1.2.0 takes from transformers.modeling_utils
    'PreTrainedModel',
    'GenerationConfig',
    'GenerationMixin',
    'apply_chunking_to_forward',
    'find_pruneable_heads_and_indices',
    'prune_linear_layer',
)


def apply() -> list[str]:
    """Make every OpenMMLab package importable, and every checkpoint of the runner loadable.

    Returns:
        What had to be worked around, a sentence each.
    """
    done = [stand_in_for_pkg_resources()]  # before anything asks MMEngine where a package is
    done += [import_mmcv_ops(), leave_out_multimodal(), trust_runner_checkpoints()]
    announce_configs()
    keep_scope_of_configs()
    remember_metafiles()
    append_to_histories_in_place()
    return [sentence for sentence in done if sentence]


def stand_in_for_pkg_resources() -> str | None:
    """Let ``import pkg_resources`` find the two names that MMEngine 0.10.7 takes from it.

    setuptools 81 warns of it, 82 dropped it. MMEngine asks it where a package is, for every ``mmseg::`` in a
    config.

    Returns:
        What was done, or None if pkg_resources is installed.
    """
    if importlib.util.find_spec('pkg_resources') is not None:
        warnings.filterwarnings('ignore', 'pkg_resources is deprecated')
        return None
    sys.meta_path.append(_PkgResources())
    return (
        'setuptools no longer has pkg_resources: MMEngine gets a stand-in. Programs that read a config '
        'before they import mmmaskformer fail; for these, `pip install "setuptools<82"`.'
    )


class _PkgResources(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and makes the module; MMEngine reloads it, so an entry in ``sys.modules`` is not enough."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == 'pkg_resources' else None

    def exec_module(self, module: Any) -> None:
        module.DistributionNotFound = metadata.PackageNotFoundError
        module.get_distribution = _distribution


def _distribution(name: str) -> Any:
    """A distribution with the attributes of pkg_resources for its location and metadata."""
    found: Any = metadata.distribution(name)
    found.location = str(found.locate_file(''))
    found.has_metadata = lambda file: found.read_text(file) is not None
    found.get_metadata = found.read_text
    return found


def import_mmcv_ops() -> str | None:
    """Import ``mmcv.ops``, with a placeholder for the compiled operators if this is mmcv-lite.

    ``mmseg.models`` and all of mmdet import ``mmcv.ops``, which looks up its operators in ``mmcv._ext`` at
    import; mmcv-lite ships none. The placeholder is in ``sys.modules`` only during that import: left there,
    it would make ``mmengine.model.revert_sync_batchnorm`` take mmcv-lite for the full mmcv.

    Returns:
        What the placeholder means, or None with the full mmcv, or if ``mmcv.ops`` is imported already.

    Raises:
        ModuleNotFoundError: Neither mmcv-lite nor mmcv is installed.
    """
    if importlib.util.find_spec('mmcv') is None:
        raise ModuleNotFoundError(
            'mmcv is not installed: `pip install mmcv-lite==2.1.0` (no compiler needed), or mmcv==2.1.0.',
            name='mmcv',
        )
    if 'mmcv.ops' in sys.modules or importlib.util.find_spec(MMCV_EXTENSION) is not None:
        return None
    sys.modules[MMCV_EXTENSION] = _Placeholder(MMCV_EXTENSION)
    try:
        importlib.import_module('mmcv.ops')
    finally:
        del sys.modules[MMCV_EXTENSION]
    return 'mmcv-lite has no compiled operators: mmcv.ops imports, and an operator raises when it is called.'


class _Placeholder(ModuleType):
    """Replaces the compiled operators: every name is a function that raises an error when called."""

    def __getattr__(self, name: str) -> Callable:
        if name.startswith('__'):
            raise AttributeError(name)

        def operator(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError(
                f'{name} needs the full mmcv, found mmcv-lite: `pip uninstall mmcv-lite`, install mmcv==2.1.0'
            )

        return operator


def leave_out_multimodal() -> str | None:
    """Import mmpretrain without its vision-language models, if the installed ``transformers`` breaks them.

    They import names that current releases of ``transformers`` have removed, and fail; ``mmpretrain.models``,
    mmdet and mmseg then fail with them, for any model.

    Returns:
        Why they were left out, which is also a warning, or None if they work.
    """
    if 'mmpretrain.models' in sys.modules or (reason := transformers_problem()) is None:
        return None
    dependency: Any = importlib.import_module('mmpretrain.utils.dependency')
    dependency.WITH_MULTIMODAL = False
    warnings.warn(reason, stacklevel=2)
    return reason


def transformers_problem() -> str | None:
    """One sentence on the installed ``transformers`` if mmpretrain 1.2.0 cannot work with it, else None."""
    if importlib.util.find_spec('transformers') is None:
        return None
    try:
        module = importlib.import_module('transformers.modeling_utils')
        missing = ', '.join(name for name in TRANSFORMERS_NAMES if not hasattr(module, name))
        problem = f'has no {missing}' if missing else None
    except Exception as error:  # a broken transformers can raise anything
        problem = f'cannot be imported ({type(error).__name__}: {error})'
    if problem is None:
        return None
    return (
        f'transformers {metadata.version("transformers")} {problem}, so the vision-language models of '
        'mmpretrain are left out (MaskFormer does not need them); '
        '`pip install "transformers<4.51"` brings them back.'
    )


def trust_runner_checkpoints() -> str | None:
    """Let ``torch.load`` read what the runner writes: ``HistoryBuffer`` and numpy numbers and arrays.

    From torch 2.6 ``torch.load`` refuses classes it does not know (``weights_only=True``), and MMEngine
    0.10.7 stores these in its checkpoints. They are put on torch's allow-list; everything else stays refused.

    Returns:
        What was done, or None for older versions of torch, which load them.
    """
    import numpy as np
    import torch

    if tuple(int(part) for part in torch.__version__.split('.')[:2]) < (2, 6):
        return None
    from mmengine.logging import HistoryBuffer

    dtypes = {type(np.dtype(code)) for code in '?bhilqBHILQefdgFD'}
    named: list[Any] = [(history_method, 'builtins.getattr')]
    builders: list[Any] = [np.float64(0).__reduce__()[0], np.zeros(0).__reduce__()[0]]
    for function in builders:
        for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):  # written by numpy 1, numpy 2
            named.append((function, f'{module}.{function.__name__}'))
    torch.serialization.add_safe_globals([HistoryBuffer, np.ndarray, np.dtype, *dtypes, *named])
    return 'torch.load refuses unknown classes: HistoryBuffer and numpy numbers of checkpoints are allowed.'


def history_method(owner: Any, name: str) -> Callable:
    """Replaces ``getattr`` in checkpoints, with which a ``HistoryBuffer`` refers to its methods.

    The real ``getattr`` on the allow-list would give a malicious file access to any attribute.
    """
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ('min', 'max', 'current', 'mean'):
        raise pickle.UnpicklingError(f'getattr({owner!r}, {name!r}) is not allowed in a checkpoint.')
    return getattr(HistoryBuffer, name)


def announce_configs() -> None:
    """Let ``_base_ = 'mmmaskformer::...'`` find the configs that travel with this package.

    MMEngine resolves ``package::`` only for packages in its own table, and looks beside the distribution's
    metadata, where an editable install has no files. For a module that is not a distribution it asks Python,
    which ``mmseg::...`` also needs if a fork provides mmseg without a distribution named mmsegmentation.
    """
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE['mmmaskformer'] = 'mmmaskformer.version'
    try:
        metadata.distribution('mmsegmentation')
    except metadata.PackageNotFoundError:
        MODULE2PACKAGE['mmseg'] = 'mmseg'


def keep_scope_of_configs() -> None:
    """Keep the scope of a config that is inherited as ``mmmaskformer::...``.

    MMEngine marks what comes from another package with that package's scope. The configs of this package
    are written for the scope of mmseg, where ``PackSegInputs`` and ``IoUMetric`` are found.
    """
    from mmengine.config import Config

    find = Config._get_cfg_path
    if getattr(find, 'keeps_scope', False):
        return

    def find_with_scope(cfg_path: str, filename: str) -> tuple[str, str | None]:
        path, scope = find(cfg_path, filename)
        return path, 'mmseg' if scope == 'mmmaskformer' else scope

    find_with_scope.keeps_scope = True  # type: ignore[attr-defined]
    Config._get_cfg_path = staticmethod(find_with_scope)


def remember_metafiles() -> None:
    """Cache the metafiles of other packages, which MMEngine reads for each config that inherits from them.

    It parses all of them, 53 in mmseg, to resolve one ``mmseg::...``: most of the time of reading a config.
    """
    from mmengine.config import utils

    if not hasattr(utils.load, 'cache_info'):
        utils.load = functools.cache(utils.load)


def append_to_histories_in_place() -> None:
    """Let ``HistoryBuffer.update`` append without a copy; what it holds, returns and saves is the same.

    MMEngine copies all earlier values of a logged number to append one. For the 18 numbers of a MaskFormer
    this takes 3 ms a step after 100,000 steps and 16 ms after 500,000.
    """
    from mmengine.logging import HistoryBuffer

    if not hasattr(HistoryBuffer.update, 'copy_and_append'):
        HistoryBuffer.update = _appending_in_place(HistoryBuffer.update)


def _appending_in_place(copy_and_append: Callable) -> Callable:
    import numpy as np

    # Of each history: arrays of twice its length, and the views of their beginnings that it holds.
    reserves: WeakKeyDictionary[Any, tuple[list[Any], tuple[Any, ...]]] = WeakKeyDictionary()

    def hold(history: Any, arrays: list[Any], length: int) -> None:
        views = tuple(array[:length] for array in arrays)
        history._log_history, history._count_history = views
        reserves[history] = arrays, views

    def update(self: Any, log_val: float, count: int = 1) -> None:
        """Append a value and its count, in place while there is space."""
        values, counts = self._log_history, self._count_history
        arrays, views = reserves.get(self, ([values], (None, None)))
        has_space = len(values) < min(len(arrays[0]), self.max_length)
        own_views = views[0] is values and views[1] is counts  # a loaded history has other arrays
        if has_space and own_views and isinstance(log_val, int | float) and isinstance(count, int):
            arrays[0][len(values)], arrays[1][len(values)] = log_val, count
            hold(self, arrays, len(values) + 1)
            return
        copy_and_append(self, log_val, count)  # with MMEngine's errors and its limit of length
        held = self._log_history, self._count_history
        length = len(held[0])
        if (
            held[0].dtype == np.float64 and length < self.max_length
        ):  # integers become floats with the next one
            arrays = [np.empty(2 * length, array.dtype) for array in held]
            for array, old in zip(arrays, held):
                array[:length] = old
            hold(self, arrays, length)

    update.copy_and_append = copy_and_append  # type: ignore[attr-defined]
    return update
