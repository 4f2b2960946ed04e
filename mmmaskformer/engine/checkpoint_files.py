"""Checkpoint files that a crash cannot corrupt: written atomically, and checked before use."""

from __future__ import annotations

import logging
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log

INTERRUPTED = 'interrupted.pth'  # state of a run that received a stop signal
PART = '.part'


@register_backend('mmmaskformer.atomic', force=True)
class AtomicBackend(LocalBackend):
    """Local files that are written atomically, also across a power cut."""

    _pending: list[tuple[Path, int]] | None = None

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write to a temporary file, synchronize it with the disk, and rename it."""
        path = Path(filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f'.{path.name}{PART}')
        with open(part, 'wb') as file:
            file.write(obj)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)

    def remove(self, filepath: str | Path) -> None:
        """Remove a file, or keep it until the end of :meth:`removals_last`."""
        if self._pending is None:
            super().remove(filepath)
        else:
            self._pending.append((Path(filepath), os.stat(filepath).st_ino))

    @contextmanager
    def removals_last(self) -> Iterator[None]:
        """Keep all files until the end of the block: MMEngine removes the old one before it writes the new.

        Nothing is removed if the block fails, nor a file that was replaced in it.
        """
        pending = self._pending = []
        try:
            yield
        finally:
            self._pending = None
        for path, inode in pending:
            if path.exists() and path.stat().st_ino == inode:
                super().remove(path)


def _sync_folder(folder: Path) -> None:
    """Synchronize a folder's entries with the disk, where the system supports it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def remove_parts(folder: str | Path) -> None:
    """Remove the temporary files of interrupted writes."""
    for part in Path(folder).glob(f'.*.pth{PART}'):
        part.unlink(missing_ok=True)


def checkpoint_folder(work_dir: str, out_dir: str | None = None) -> str:
    """Where ``CheckpointHook(out_dir=...)`` writes."""
    return work_dir if out_dir is None else os.path.join(out_dir, os.path.basename(work_dir.rstrip(os.sep)))


def newest_whole_checkpoint(folder: str | Path, template: str | None = None) -> str | None:
    """The checkpoint that the runner wrote last, of those that are whole; damaged ones are logged.

    ``last_checkpoint`` is not read. Best checkpoints, which may be old, are not considered.

    Args:
        folder: Where the checkpoints are.
        template: ``filename_tmpl`` of the hook that wrote them, where it is not MMEngine's own.
    """
    names = [r'(iter|epoch)_\d+\.pth', re.escape(INTERRUPTED)]
    if template is not None:
        names.append(re.escape(template).replace(r'\{\}', r'\d+'))
    pattern = re.compile('|'.join(names))
    files = [path for path in Path(folder).glob('*') if pattern.fullmatch(path.name)]
    for path in sorted(files, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        if is_whole(path):
            return str(path)
        print_log(
            f'{path} is incomplete or damaged; trying the checkpoint before it', 'current', logging.WARNING
        )
    return None


def is_whole(path: str | Path) -> bool:
    """Whether a file is a zip archive that PyTorch can open, and every checksum in it holds.

    Folders, which DeepSpeed writes, are taken as whole.
    """
    if os.path.isdir(path):
        return True
    try:
        torch._C.PyTorchFileReader(str(path))  # stricter than zipfile about a truncated end
        with zipfile.ZipFile(path) as archive:
            return bool(archive.namelist()) and archive.testzip() is None
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        return False
