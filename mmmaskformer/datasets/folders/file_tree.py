"""The files below a folder, listed once, and found by the names that annotations give them."""

from __future__ import annotations

import json
import os
import unicodedata
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

from ..dataset_files import IMAGE_SUFFIXES
from .contents import MARKER, FolderError

RASTERS = tuple(suffix for suffix in IMAGE_SUFFIXES if suffix != '.npy')
SKIPPED = ('__MACOSX', '__pycache__')


class FileTree:
    """The files below a folder; hidden ones and those that `FolderContents.prepare` wrote are left out.

    Args:
        root: The folder.

    Attributes:
        files: Paths below the folder, with ``/``, sorted.

    Raises:
        FolderError: The folder does not exist or holds no image.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(os.path.abspath(root))
        if not self.root.is_dir():
            kind = 'is a file' if self.root.exists() else 'does not exist'
            raise FolderError(f'{self.root} {kind}: give the folder that holds images and annotations.')
        self.files = sorted(_walk(self.root))
        self.images = self.with_suffix(*RASTERS)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for path in self.files:
            self._by_name[_plain(PurePosixPath(path).name)].append(path)
        for path in self.images:
            self._by_stem[_plain(PurePosixPath(path).stem)].append(path)
        self._known = {_plain(path): path for path in self.files}
        if not self.images:
            raise FolderError(
                f'{self.root} holds {len(self.files)} files and no image: give the folder that holds images '
                f'({", ".join(RASTERS)}) and annotations.'
            )

    def with_suffix(self, *suffixes: str) -> list[str]:
        """The files with one of these suffixes, in any case."""
        return [path for path in self.files if path.lower().endswith(suffixes)]

    def json(self, path: str) -> Any:
        """The content of a JSON file; None if it is not JSON."""
        try:
            return json.loads((self.root / path).read_bytes())
        except (ValueError, RecursionError):
            return None

    def text(self, path: str) -> str:
        """The content of a text file, UTF-8 with or without a mark, else Latin-1."""
        content = (self.root / path).read_bytes()
        try:
            return content.decode('utf-8-sig')
        except UnicodeDecodeError:
            return content.decode('latin-1')

    def known(self, path: str) -> str | None:
        """The file of this path, in any spelling of letters with accents; None if there is none."""
        return self._known.get(_plain(path))

    def named(self, name: str) -> list[str]:
        """The files of this name, in any folder."""
        return self._by_name.get(_plain(name), [])

    def find(self, name: str, near: str = '', by_stem: bool = False) -> str | None:
        """The file that an annotation names; None if there is none.

        The name may be a path from the folder or from the annotation's file, have folders that are no longer
        there, or backslashes between folders. Of several files of this name, the one whose folders agree with
        those of the name counts, then the one that is nearest to the annotation's file.

        Args:
            name: The name in the annotation.
            near: Path of the annotation's file below the folder.
            by_stem: The name has no suffix; any image fits.

        Raises:
            FolderError: Several files fit equally well.
        """
        parts = [part for part in _plain(name.replace('\\', '/')).split('/') if part not in ('', '.', '..')]
        if not parts:
            return None
        folder = _plain(near).split('/')[:-1]
        if not by_stem:
            for place in ([*folder, *parts], parts):
                if '/'.join(place) in self._known:
                    return self._known['/'.join(place)]
        candidates = (self._by_stem if by_stem else self._by_name).get(parts[-1], [])
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        scores = [_agreement(_plain(path).split('/')[:-1], parts[:-1], folder) for path in candidates]
        best = [path for path, score in zip(candidates, scores) if score == max(scores)]
        if len(best) > 1:
            raise FolderError(
                f'{self.root}: {near or "an annotation"} names the image {name!r}, and both {best[0]} and '
                f'{best[1]} fit: name it with its folder, or rename one of them.'
            )
        return best[0]


def _agreement(folders: list[str], named: list[str], near: list[str]) -> tuple[int, int]:
    """How many folders agree with those named, from the end, and with those of the annotation."""
    ends = zip(reversed(folders), reversed(named))
    starts = zip(folders, near)
    return _length(ends), _length(starts)


def _length(pairs: Any) -> int:
    number = 0
    for one, other in pairs:
        if one != other:
            break
        number += 1
    return number


def _plain(name: str) -> str:
    """Letters with accents in one form: some systems store them as two characters."""
    return unicodedata.normalize('NFC', name)


def _walk(root: Path) -> list[str]:
    """Paths of all files, through links to folders, each folder once."""
    found: list[str] = []
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen or (MARKER in names and Path(folder) != root):
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if name[0] != '.' and name not in SKIPPED)
        relative = Path(folder).relative_to(root)
        found += [(relative / name).as_posix() for name in names if name[0] != '.']
    return found
