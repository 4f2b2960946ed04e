"""Names of files: unique names of outputs, and checks of names that come from data or users."""

from __future__ import annotations

import os
import os.path as osp
from collections.abc import Sequence
from pathlib import Path, PurePosixPath


def claim(name: str, taken: dict[str, int]) -> str:
    """Take a name, or the next free one: ``street``, ``street_2``, ...

    Names are compared without case, as some file systems do.

    Args:
        name: The requested name.
        taken: Names in use and how often each was requested; updated.
    """
    candidate = name
    while candidate.casefold() in taken:
        taken[name.casefold()] += 1
        candidate = f'{name}_{taken[name.casefold()]}'
    taken[candidate.casefold()] = 1
    return candidate


def folder_prefixes(folders: Sequence[str | os.PathLike]) -> list[str]:
    """Prefixes of output names for several folders: their paths below the common folder.

    A single folder has the prefix ``''``, ``a/drive1`` and ``a/drive2`` have ``drive1/`` and ``drive2/``.
    """
    absolute = [osp.abspath(folder) for folder in folders]
    common = _common_folder(absolute)
    relative = [
        Path(osp.relpath(folder, common)).as_posix() if common else _without_root(folder)
        for folder in absolute
    ]
    return ['' if prefix == '.' else f'{prefix}/' for prefix in relative]


def names_below(paths: Sequence[str | os.PathLike], folders: Sequence[str | os.PathLike]) -> list[str]:
    """A name without suffix for each file: its path below the folder that it lies in.

    Where files lie below several of the folders, or below none, names begin at the common folder. A name
    that was taken by another file gets a number: ``0001_2``; the same file has the same name each time.

    Args:
        paths: The files.
        folders: Folders that names may begin at, such as the image folders of data sets; the innermost
            one counts.

    Example:
        >>> names_below(['img/a/1.jpg', 'img/b/1.jpg', 'img/b/1.png'], ['img'])
        ['a/1', 'b/1', 'b/1_2']
    """
    absolute = [osp.abspath(path) for path in paths]
    by_depth = sorted({osp.abspath(folder) for folder in folders if str(folder)}, key=len, reverse=True)
    bases = [
        next((folder for folder in by_depth if lies_in(path, folder)), osp.dirname(path)) for path in absolute
    ]
    used = sorted(set(bases))
    prefixes = dict(zip(used, folder_prefixes(used)))
    taken: dict[str, int] = {}
    names: dict[str, str] = {}
    for path, base in zip(absolute, bases):
        if path not in names:
            relative = Path(osp.relpath(path, base)).with_suffix('').as_posix()
            names[path] = claim(prefixes[base] + relative, taken)
    return [names[path] for path in absolute]


def lies_in(path: str, folder: str) -> bool:
    """Whether an absolute path is below a folder."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _common_folder(folders: Sequence[str]) -> str | None:
    try:
        return osp.commonpath(folders)
    except ValueError:  # several drives, or no folder
        return None


def _without_root(folder: str) -> str:
    """``C:/data`` as ``C/data``."""
    drive, rest = osp.splitdrive(folder)
    return f'{drive.rstrip(":")}/{Path(rest).as_posix().lstrip("/")}'.strip('/')


def inside(folder: Path, name: str, where: str) -> Path:
    """The path of a file that is named in data, after a check that it lies inside the folder.

    Args:
        folder: The folder.
        name: The name in the data, with ``/`` between folders.
        where: What contains the name, for the message.

    Raises:
        ValueError: The name is empty, absolute, or leads out of the folder.
    """
    parts = PurePosixPath(name.replace('\\', '/')).parts
    if not parts or '..' in parts or parts[0].endswith((':', '/')) or '\0' in name:
        raise ValueError(f'{where} names the file {name!r}, which is not inside {folder}: correct it there.')
    return folder.joinpath(*parts)


def opencv_path(path: str | Path) -> str:
    """A path for OpenCV, after a check that it is UTF-8: OpenCV ends the process for other names.

    Raises:
        ValueError: The path is not UTF-8.
    """
    try:
        str(path).encode('utf-8')
    except UnicodeEncodeError as error:
        raise ValueError(
            f'The name {path} is not UTF-8, which OpenCV needs: rename the file or folder.'
        ) from error
    return str(path)
