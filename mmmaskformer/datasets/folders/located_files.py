"""The files that an annotation file names, found below the folder wherever they lie."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

from ..class_contents import num_threads
from ..image_headers import ImageHeader, read_header
from .file_tree import FileTree
from .splits import split_of_path, split_of_word

MAP_FOLDER = re.compile('panoptic|mask|seg|ann|label|gt', re.IGNORECASE)


def locate(tree: FileTree, names: Sequence[str], near: str, maps: bool = False) -> dict[str, str]:
    """Paths below the folder of the files that exist, by the name in the annotation file.

    One folder that holds the most names is taken first; of several, the one whose split is that of the
    annotation file, and the one that is called like images, or like label maps.

    Args:
        tree: The folder.
        names: Names in the annotation file.
        near: The annotation file.
        maps: The names are those of id maps, not of images.

    Raises:
        FolderError: Several files fit a name equally well.
    """
    prefix = _best_prefix(tree, names, near, maps)
    found = {}
    for name in names:
        path = None if prefix is None else tree.known(f'{prefix}{_clean(name)}')
        path = path or tree.find(name, near)
        if path is not None:
            found[name] = path
    return found


def _best_prefix(tree: FileTree, names: Sequence[str], near: str, maps: bool) -> str | None:
    counts: Counter[str] = Counter()
    for name in names:
        clean = _clean(name)
        paths = tree.named(clean.rsplit('/', 1)[-1])
        counts.update(path[: -len(clean)] for path in paths if f'/{path}'.endswith(f'/{clean}'))
    split = split_of_word(PurePosixPath(near).stem) or split_of_path(near)
    stem, folder = PurePosixPath(near).stem, PurePosixPath(near).parent.as_posix()

    def rank(prefix: str) -> tuple[int, ...]:
        own = split_of_path(prefix)
        last = prefix.rstrip('/').rsplit('/', 1)[-1]
        agrees = 0 if None in (own, split) else 1 if own == split else -1
        kind = (last == stem) + bool(MAP_FOLDER.search(last))
        below = prefix.startswith('' if folder == '.' else f'{folder}/')
        return agrees, kind if maps else -kind, counts[prefix], below, -len(prefix)

    good = [prefix for prefix, count in counts.items() if 2 * count >= max(counts.values())]
    return max(good, key=rank, default=None)


def _clean(name: str) -> str:
    parts = name.replace('\\', '/').split('/')
    return '/'.join(part for part in parts if part not in ('', '.', '..'))


def common_prefix(paths: Mapping[str, str]) -> str | None:
    """The folder that names start from, if it is one for all of them: ``''`` or ``'images'``; else None."""
    prefixes = set()
    for name, path in paths.items():
        if path != name and not path.endswith(f'/{name}'):
            return None
        prefixes.add(path[: len(path) - len(name)].rstrip('/'))
    return prefixes.pop() if len(prefixes) == 1 else None


def headers_of(tree: FileTree, paths: Sequence[str]) -> dict[str, ImageHeader | None]:
    """Header of each image; None of those that cannot be read."""
    with ThreadPoolExecutor(num_threads()) as pool:
        return dict(zip(paths, pool.map(_header_or_none, (str(tree.root / path) for path in paths))))


def _header_or_none(path: str) -> ImageHeader | None:
    try:
        return read_header(path)
    except (OSError, ValueError):
        return None


def fits(size: tuple[int, int] | None, header: ImageHeader) -> bool:
    """Whether an annotation of this height and width belongs to an image, as stored or as shown."""
    return size is None or size in ((header.height, header.width), header.shown)
