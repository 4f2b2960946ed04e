"""Files that would run code if they were loaded as pickles are, and a proof that none ran."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return open, (str(self.mark), 'w')


def write_hostile(folder: Path, name: str, mark: Path) -> Path:
    """A checkpoint, by its name: a pickle, or a file of ``torch.save``, ``legacy`` ones in the old form."""
    path = folder / name
    tensors = {'weight': torch.ones(1)}
    content = {'model': tensors, 'state_dict': tensors, 'meta': {'a': Hostile(mark)}, 'data': {}}
    if path.suffix == '.pkl':
        path.write_bytes(pickle.dumps({'model': {'a': Hostile(mark)}, 'folder': Hostile(mark)}))
    else:
        torch.save(content, path, _use_new_zipfile_serialization='legacy' not in name)
    return path
