"""Read checkpoints of any origin without running code in them, whatever the release of PyTorch.

A pickle names functions, which unpickling calls. From PyTorch 2.6 on, ``torch.load`` calls only those of an
allow-list, unless it is told otherwise or ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`` is set; earlier releases
call all of them. `safe_load` calls only those of the list, in every release.
"""

from __future__ import annotations

import importlib
import json
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor

from ..compat import history_method
from ..file_names import inside

FOLDER_FILES = ('model.safetensors', 'pytorch_model.bin')
# Names that a pickle of arrays refers to, under numpy 1 and numpy 2.
OF_ARRAYS = {
    ('collections', 'OrderedDict'),
    ('numpy', 'dtype'),
    ('numpy', 'ndarray'),
    *(
        (f'numpy.{core}.multiarray', name)
        for core in ('core', '_core')
        for name in ('_reconstruct', 'scalar')
    ),
    *((f'numpy.{core}.numeric', '_frombuffer') for core in ('core', '_core')),
}
# Further names that checkpoints of the runner refer to; storages are handled by PyTorch.
OF_CHECKPOINTS = OF_ARRAYS | {
    ('_codecs', 'encode'),
    ('collections', 'Counter'),  # milestones of a schedule
    ('builtins', 'bytearray'),
    ('builtins', 'complex'),
    ('builtins', 'set'),
    ('torch', 'Size'),
    ('torch', 'Tensor'),
    ('torch', 'device'),
    ('torch._tensor', '_rebuild_from_type_v2'),  # tensors with attributes: what FSDP gathers
    ('torch._utils', '_rebuild_parameter'),
    ('torch._utils', '_rebuild_tensor'),
    ('torch._utils', '_rebuild_tensor_v2'),
    ('torch.nn.parameter', 'Parameter'),
    ('mmengine.logging.history_buffer', 'HistoryBuffer'),
    *(('torch', name) for name, value in vars(torch).items() if isinstance(value, torch.dtype)),
}
CHECKED_BY_TORCH = tuple(int(part) for part in torch.__version__.split('.')[:2]) >= (2, 6)


class ArrayUnpickler(pickle.Unpickler):
    """Loads arrays, numbers, texts and containers of them, and refuses everything else."""

    allowed = OF_ARRAYS

    def find_class(self, module: str, name: str) -> Any:
        """The function or class that a pickle refers to.

        Raises:
            pickle.UnpicklingError: It is not on the list.
        """
        if (module, name) in self.allowed:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f'it refers to {module}.{name}, which is not on the allow-list of array files'
        )


class CheckpointUnpickler(ArrayUnpickler):
    """Loads tensors and the log history of MMEngine's runner as well."""

    allowed = OF_CHECKPOINTS

    def find_class(self, module: str, name: str) -> Any:
        """See `ArrayUnpickler`; ``getattr`` is limited to methods of `HistoryBuffer`."""
        module = 'builtins' if module == '__builtin__' else module  # as it was called in Python 2
        if (module, name) == ('builtins', 'getattr'):
            return history_method
        return super().find_class(module, name)


def safe_load(source: str | Path | IO[bytes], map_location: Any = None) -> Any:
    """Load a file of ``torch.save`` that holds tensors, arrays, numbers, strings, and containers of them.

    Args:
        source: A path, or the content of a file.
        map_location: As in ``torch.load``; None means the CPU.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file is damaged, or refers to anything that is not on the allow-list.
    """
    if isinstance(source, str | Path):
        source = Path(source).expanduser()
        if not source.is_file():
            raise FileNotFoundError(f'{source} does not exist: check the path.')
    load = _load_checked_by_torch if CHECKED_BY_TORCH else load_checked_here
    with naming_the_checkpoint(source if isinstance(source, Path) else 'the file'):
        return load(source, map_location or 'cpu')


def _load_checked_by_torch(source: Any, map_location: Any) -> Any:
    try:
        return torch.load(source, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        global_name = re.search(r'GLOBAL (\S+)', str(error))
        if global_name is None:  # torch's message continues with advice to load it anyway
            reason = re.search(r'WeightsUnpickler error:\s*(.+)', str(error))
            raise pickle.UnpicklingError(reason[1] if reason else 'it is damaged') from error
        raise pickle.UnpicklingError(
            f'it refers to {global_name[1]}, which could run code, so it was not loaded; '
            'torch.serialization.add_safe_globals allows it, if you know what it does'
        ) from error


def load_checked_here(source: Any, map_location: Any) -> Any:
    """Load with the allow-list above, for PyTorch before 2.6; TorchScript, which is code, is refused."""
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            if any(name.rpartition('/')[2] == 'constants.pkl' for name in archive.namelist()):
                raise pickle.UnpicklingError('it is a TorchScript program, not a checkpoint')
    if not isinstance(source, Path):
        source.seek(0)
    module: Any = SimpleNamespace(Unpickler=CheckpointUnpickler, load=_load_plain, __name__=__name__)
    return torch.load(source, map_location=map_location, pickle_module=module, weights_only=False)


def _load_plain(file: IO[bytes], **options: Any) -> Any:
    return CheckpointUnpickler(file, **options).load()


@contextmanager
def naming_the_checkpoint(source: object) -> Iterator[None]:
    """Turn whatever a damaged or hostile file raises into a ValueError that names it."""
    try:
        yield
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f'{source} cannot be read as a checkpoint: {reason}') from error


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name.

    Args:
        path: A ``.pkl`` or ``.npz`` of numpy arrays (of detectron2, of TensorFlow), a PyTorch file, a
            ``.safetensors`` file, a folder with HuggingFace's ``model.safetensors`` or
            ``pytorch_model.bin``, or a URL for MMEngine.

    Raises:
        FileNotFoundError: No such file.
        ValueError: The file is damaged, would run code, or holds no tensors.
    """
    if '://' in str(path):
        return tensors_of(CheckpointLoader.load_checkpoint(str(path), 'cpu', logger=None), path)
    path = Path(path).expanduser()
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint at {path}: check the path')
    readers = {'.pkl': _read_pickle, '.npz': _read_npz, '.safetensors': _read_safetensors}
    reader = readers.get(path.suffix)
    if reader is None:
        return tensors_of(safe_load(path), path)
    with naming_the_checkpoint(path):
        content = reader(path)
    return tensors_of(content, path)


def tensors_of(content: Any, source: str | Path) -> dict[str, Tensor]:
    """The tensors in what a checkpoint file holds: they may lie under ``model`` or ``state_dict``.

    Raises:
        ValueError: There are none.
    """
    for key in ('model', 'state_dict'):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    arrays = content.items() if isinstance(content, Mapping) else ()
    state = {name: torch.as_tensor(value) for name, value in arrays if isinstance(value, np.ndarray | Tensor)}
    if not state:
        raise ValueError(f'{source} holds no tensors: is it a checkpoint?')
    return state


def _read_folder(path: Path) -> dict[str, Tensor]:
    """A model of HuggingFace, in one file or, with an index beside them, in several."""
    for name in FOLDER_FILES:
        if (path / name).is_file():
            return read_state_dict(path / name)
        if (path / f'{name}.index.json').is_file():
            return _read_shards(path, path / f'{name}.index.json')
    raise FileNotFoundError(f'{path} is a folder without {" or ".join(FOLDER_FILES)}: check the path')


def _read_shards(folder: Path, index: Path) -> dict[str, Tensor]:
    with naming_the_checkpoint(index):
        names = sorted(set(json.loads(index.read_text(encoding='utf-8'))['weight_map'].values()))
    shards = [read_state_dict(inside(folder, str(name), str(index))) for name in names]
    return {name: tensor for shard in shards for name, tensor in shard.items()}


def _read_pickle(path: Path) -> Any:
    with path.open('rb') as file:
        return ArrayUnpickler(file, encoding='latin1').load()


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    tensors = import_safetensors()
    try:
        return tensors.load(path.read_bytes())
    except tensors.SafetensorError as error:
        raise ValueError(error) from None


def import_safetensors() -> Any:
    """The ``safetensors.torch`` module, which only HuggingFace's files need.

    Raises:
        ValueError: It is not installed.
    """
    try:
        return importlib.import_module('safetensors.torch')
    except ImportError:
        raise ValueError(
            "HuggingFace's files need the package safetensors: pip install 'mmmaskformer[huggingface]'"
        ) from None
