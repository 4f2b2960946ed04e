"""What OpenMMLab's own entry points look for in a package, file names, and lists in messages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from mmengine.registry import DefaultScope, init_default_scope


def register_all_modules(set_default_scope: bool = True) -> None:
    """Fill the registries, which importing the package has done, and set a default scope where there is none.

    ``mmengine.hub.get_model`` calls it.

    Args:
        set_default_scope: Whether to make ``mmseg``, which the configs are written for, the default scope.
    """
    if set_default_scope and DefaultScope.get_current_instance() is None:
        init_default_scope('mmseg')


def inside(folder: Path, name: str, where: str) -> Path:
    """The path of a file that data names, refused if it would lie outside the folder.

    Args:
        folder: Where it must lie.
        name: Its name as the data has it, with ``/`` between folders.
        where: What names it, for the message.

    Raises:
        ValueError: The name is empty, absolute, or leads out of the folder.
    """
    parts = PurePosixPath(name.replace('\\', '/')).parts
    if not parts or '..' in parts or parts[0].endswith((':', '/')) or '\0' in name:
        raise ValueError(f'{where} names the file {name!r}, which is not inside {folder}: correct it there.')
    return folder.joinpath(*parts)


def opencv_path(path: str | Path) -> str:
    """A path that OpenCV may be given: of names that are no UTF-8 it does not say so, but ends the process.

    Raises:
        ValueError: The path has bytes that are no UTF-8.
    """
    try:
        str(path).encode('utf-8')
    except UnicodeEncodeError as error:
        raise ValueError(
            f'The name {path} is no UTF-8, which OpenCV needs: rename the file or folder.'
        ) from error
    return str(path)


def shown(values: Sequence[Any], number: int = 3) -> str:
    """The first values of a list and the number of the rest, for a message.

    Example:
        >>> shown(['a', 'b', 'c'], 2)
        'a, b and 1 more'
    """
    rest = len(values) - number
    return ', '.join(map(str, values[:number])) + (f' and {rest} more' if rest > 0 else '')
