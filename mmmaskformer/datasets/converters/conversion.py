"""What converters share: parallel jobs, checked reading, files written whole or not at all, command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from mmengine.utils import track_iter_progress
from PIL import Image

from ..categories import Category

Job = TypeVar('Job')
Result = TypeVar('Result')

CHUNK = 8
"""Jobs handed to a process at a time."""


def run_jobs(convert: Callable[[Job], Result], jobs: Sequence[Job], num_workers: int) -> list[Result]:
    """Convert one file after the other, in several processes, under a progress bar.

    The first error stops the rest.

    Args:
        convert: A function of a module, so that processes find it.
        jobs: What it is called with.
        num_workers: Processes; with one, everything happens in this one.

    Returns:
        The results in the order of ``jobs``.

    Raises:
        ValueError: There are no jobs, or there is no process to do them.
    """
    if not jobs or num_workers < 1:
        raise ValueError(f'{len(jobs)} jobs for {num_workers} processes: at least one of each is needed.')
    if num_workers == 1:
        return list(track_iter_progress((map(convert, jobs), len(jobs)), file=sys.stderr))
    with ProcessPoolExecutor(num_workers) as pool:
        done = pool.map(convert, jobs, chunksize=CHUNK)
        return list(track_iter_progress((done, len(jobs)), file=sys.stderr))


def require_files(paths: Iterable[Path], advice: str) -> None:
    """Check that files are there, before the first of them is converted.

    Args:
        paths: The files.
        advice: What to do if not, ``'unpack ... so that ...'``.

    Raises:
        FileNotFoundError: Files are missing; the sentence has their number and the first.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} files are missing, the first of them {missing[0]}: {advice}.'
        )


def read_map(path: Path, num_channels: int = 1, dtype: type = np.uint8) -> np.ndarray:
    """Read a PNG of labels or colors as it is; of one with a palette, the indices.

    Args:
        path: The file.
        num_channels: 1 for ``(H, W)``, 3 for ``(H, W, 3)`` red, green, blue.
        dtype: uint8 or uint16.

    Raises:
        ValueError: It cannot be read to its end, or has another number of channels or bits.
    """
    try:
        pixels = np.array(Image.open(path))
    except (OSError, SyntaxError) as error:
        raise ValueError(f'{path} cannot be read ({error}): replace the file.') from error
    if pixels.dtype == np.int32:  # 16 bits as older releases of Pillow have them
        pixels = pixels.astype(np.uint16)
    if pixels.dtype != dtype or pixels.shape[2:] != (() if num_channels == 1 else (num_channels,)):
        channels = 'one channel' if num_channels == 1 else 'three channels'
        bits = 8 * np.dtype(dtype).itemsize
        raise ValueError(f'{path} is no PNG of {channels} of {bits} bits: replace the file.')
    return pixels


def check_size(path: Path, shape: Sequence[int], image: Path) -> None:
    """Compare the size of a map with that of its image, of which only the head is read.

    Raises:
        ValueError: They differ, or the image is none.
    """
    try:
        width, height = Image.open(image).size
    except OSError as error:
        raise ValueError(f'{image} is not an image ({error}): replace the file.') from error
    if tuple(shape[:2]) != (height, width):
        raise ValueError(
            f'{path} is {shape[1]}x{shape[0]} pixels, but its image is {width}x{height}: replace one of them.'
        )


def check_labels(path: Path, pixels: np.ndarray, known: np.ndarray) -> None:
    """Check that a map holds known labels alone.

    Args:
        path: Its file, for the message.
        pixels: Whole numbers.
        known: ``(L,)`` bool, whether each label is known; beyond them none is.

    Raises:
        ValueError: There is another label.
    """
    extremes = int(pixels.min()), int(pixels.max())
    strange = [label for label in extremes if not 0 <= label < len(known)]
    if not strange:
        found = np.flatnonzero(np.bincount(pixels.ravel())).tolist()
        strange = [label for label in found if not known[label]]
    if strange:
        raise ValueError(
            f'{path} has the label {strange[0]}, which is none of the data set: replace the file by the '
            'original.'
        )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name first, so that a half-written one never bears its own."""
    unfinished = path.with_name(f'{path.name}.unfinished')
    unfinished.unlink(missing_ok=True)
    with unfinished.open('xb') as file:  # a new one: a link that lay there would lead anywhere
        file.write(content)
    unfinished.replace(path)


def encode_png(pixels: np.ndarray) -> bytes:
    """``(H, W)`` or ``(H, W, 3)`` red, green, blue, as a PNG of 8 or 16 bits."""
    return cv2.imencode('.png', pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()


def write_map(path: Path, pixels: np.ndarray) -> None:
    """Write ``(H, W, 3)`` red, green, blue as a PNG; one with the same pixels is kept.

    Raises:
        FileExistsError: There is one with other pixels.
    """
    if not path.exists():
        write_whole(path, encode_png(pixels))
    elif not np.array_equal(read_map(path, 3), pixels):
        raise FileExistsError(f'{path} is there already and differs: remove it or its folder.')


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON file; one that says the same is kept.

    Raises:
        FileExistsError: There is one that says something else.
    """
    if not path.exists():
        write_whole(path, json.dumps(document).encode())
    elif not _says(path, document):
        raise FileExistsError(f'{path} is there already and differs: remove it.')


def _says(path: Path, document: dict) -> bool:
    try:
        return json.loads(path.read_text()) == document
    except ValueError:
        return False


def panoptic_document(entries: Sequence[tuple[dict, dict]], categories: Sequence[Category]) -> dict[str, Any]:
    """The content of a panoptic JSON file.

    Args:
        entries: For each image, its entries among ``images`` and ``annotations``.
        categories: The categories.
    """
    images, annotations = (list(column) for column in zip(*entries))
    described = [
        dict(id=category.id, name=category.name, isthing=int(category.isthing), color=list(category.color))
        for category in categories
    ]
    return dict(images=images, annotations=annotations, categories=described)


def run_converter(
    convert: Callable[[str, Sequence[str], int], dict[str, int]],
    description: str | None,
    root: str,
    contents: str,
    splits: Sequence[str],
    others: Sequence[str] = (),
    done: str = 'Converted',
) -> None:
    """Parse the arguments, convert, and say how many images that were, or what is wrong.

    Args:
        convert: Takes the folder of the data set, the splits and the number of processes; returns the number
            of images of each split.
        description: What the tool does.
        root: Where the data set is unless the user says otherwise.
        contents: What that folder holds, for the help.
        splits: Splits that are converted unless the user says otherwise.
        others: Splits that the user may also choose.
        done: The verb for what was done.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        'root', nargs='?', default=root, help=f'folder with {contents} (default: %(default)s)'
    )
    parser.add_argument('--splits', nargs='+', default=list(splits), choices=[*splits, *others])
    parser.add_argument(
        '--num-workers',
        '--workers',
        type=int,
        default=os.cpu_count(),
        help='processes (default: %(default)s)',
    )
    parser.add_argument('--debug', action='store_true', help='show the whole traceback of an error')
    args = parser.parse_args()
    try:
        counts = convert(args.root, args.splits, args.num_workers)
    except (ValueError, OSError, ImportError) as error:
        if args.debug:
            raise
        parser.exit(1, f'\nError: {error}\n')
    print(f'\n{done} {sum(counts.values())} images of {args.root}.')
