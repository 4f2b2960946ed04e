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

Job = TypeVar('Job')
Result = TypeVar('Result')

CHUNK = 8
"""Jobs handed to a process at a time."""


def run_jobs(convert: Callable[[Job], Result], jobs: Sequence[Job], num_workers: int) -> list[Result]:
    """Convert files in several processes, with a progress bar in a terminal.

    The first error stops the rest.

    Args:
        convert: A module-level function, so that other processes can import it.
        jobs: Its arguments, one per call.
        num_workers: Number of processes; 1 runs all jobs in this process.

    Returns:
        The results in the order of ``jobs``.

    Raises:
        ValueError: There are no jobs or no processes.
    """
    if not jobs or num_workers < 1:
        raise ValueError(f'{len(jobs)} jobs for {num_workers} processes: at least one of each is needed.')
    if num_workers == 1:
        return _collect(map(convert, jobs), len(jobs))
    with ProcessPoolExecutor(num_workers) as pool:
        return _collect(pool.map(convert, jobs, chunksize=CHUNK), len(jobs))


def _collect(results: Iterable[Result], total: int) -> list[Result]:
    """The results, with a progress bar where somebody can see it."""
    if not sys.stderr.isatty():
        return list(results)
    return list(track_iter_progress((results, total), file=sys.stderr))


def require_files(paths: Iterable[Path], advice: str) -> None:
    """Check that files exist before the first of them is converted.

    Args:
        paths: The files.
        advice: What to do if not, such as ``'unpack ... so that ...'``.

    Raises:
        FileNotFoundError: Files are missing; the message has their number and the first path.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} files are missing, the first of them {missing[0]}: {advice}.'
        )


def read_map(path: Path, num_channels: int = 1, dtype: type = np.uint8) -> np.ndarray:
    """Read a PNG of labels or colors unchanged; of one with a palette, the indices.

    Args:
        path: The file.
        num_channels: 1 for ``(H, W)``, 3 for ``(H, W, 3)`` red, green, blue.
        dtype: uint8 or uint16.

    Raises:
        ValueError: It cannot be read completely, or has another number of channels or bits.
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
        raise ValueError(f'{path} is not a PNG of {channels} of {bits} bits: replace the file.')
    return pixels


def check_size(path: Path, shape: Sequence[int], image: Path) -> None:
    """Compare the size of a map with that of its image, of which only the header is read.

    Raises:
        ValueError: They differ, or the image is not an image file.
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
    """Check that a map holds only known labels.

    Args:
        path: Its file, for the message.
        pixels: Whole numbers.
        known: ``(L,)`` bool, whether each label is known; larger labels are not.

    Raises:
        ValueError: There is an unknown label.
    """
    extremes = int(pixels.min()), int(pixels.max())
    unknown = [label for label in extremes if not 0 <= label < len(known)]
    if not unknown:
        labels = np.flatnonzero(np.bincount(pixels.ravel())).tolist()
        unknown = [label for label in labels if not known[label]]
    if unknown:
        raise ValueError(
            f'{path} has the label {unknown[0]}, which is not a label of the data set: replace the file by '
            'the original.'
        )


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name and rename, so that an interrupted run leaves no incomplete file."""
    unfinished = path.with_name(f'{path.name}.unfinished')
    unfinished.unlink(missing_ok=True)
    with unfinished.open('xb') as file:  # not through an existing link
        file.write(content)
    unfinished.replace(path)


def encode_png(pixels: np.ndarray) -> bytes:
    """``(H, W)`` or ``(H, W, 3)`` red, green, blue, as a PNG of 8 or 16 bits."""
    return cv2.imencode('.png', pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()


def write_map(path: Path, pixels: np.ndarray) -> None:
    """Write ``(H, W, 3)`` red, green, blue as a PNG, or keep an existing file with the same pixels.

    Raises:
        FileExistsError: The existing file has other pixels.
    """
    if not path.exists():
        write_atomically(path, encode_png(pixels))
    elif not np.array_equal(read_map(path, 3), pixels):
        raise FileExistsError(f'{path} already exists with other pixels: remove it or its folder.')


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON file, or keep an existing file with the same content.

    Raises:
        FileExistsError: The existing file has another content.
    """
    if not path.exists():
        write_atomically(path, json.dumps(document).encode())
    elif not _has_content(path, document):
        raise FileExistsError(f'{path} already exists with other content: remove it.')


def _has_content(path: Path, document: dict) -> bool:
    try:
        return json.loads(path.read_text()) == document
    except ValueError:
        return False


def run_converter(
    convert: Callable[[str, Sequence[str], int], dict[str, int]],
    description: str | None,
    root: str,
    contents: str,
    splits: Sequence[str],
    extra_splits: Sequence[str] = (),
    done: str = 'Converted',
) -> None:
    """Parse the command line, convert, and print the number of images or the error.

    Args:
        convert: Takes the folder of the data set, the splits and the number of processes; returns the number
            of images of each split.
        description: Description of the tool, for the help.
        root: Default folder of the data set.
        contents: Contents of that folder, for the help.
        splits: Splits that are converted by default.
        extra_splits: Further splits that can be chosen.
        done: Past tense of the verb for the last line.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        'root', nargs='?', default=root, help=f'folder with {contents} (default: %(default)s)'
    )
    parser.add_argument('--splits', nargs='+', default=list(splits), choices=[*splits, *extra_splits])
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
