"""Inputs of a prediction: files, folders, videos, cameras and arrays as one stream, read lazily."""

from __future__ import annotations

import glob
import itertools
import os
import os.path as osp
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from ..file_names import claim, folder_prefixes
from ..runtime.input_image import Clip, InputImage
from .video import VIDEO_SUFFIXES, Video, open_video

IMAGE_SUFFIXES = (
    '.bmp', '.jp2', '.jpeg', '.jpg', '.pbm', '.pgm', '.png', '.pnm', '.ppm', '.tif', '.tiff', '.webp',
)  # fmt: skip
STREAMS = ('rtsp', 'rtmp', 'udp', 'tcp')

Inputs = str | int | Path | NDArray[Any] | Iterable[Any]


@dataclass
class Source:
    """A stream of images.

    Attributes:
        images: The stream; it is consumed once.
        total: How many there are, if that is known.
        live: A camera or network stream: endless, and not read ahead.
    """

    images: Iterator[InputImage]
    total: int | None = None
    live: bool = False


def open_source(inputs: Inputs, check: bool = True) -> Source:
    """Open inputs as a stream of images.

    Args:
        inputs: Path or URL of an image, array (BGR as OpenCV reads it), folder (with its subfolders), glob
            pattern (``**`` for all depths), video file or stream, camera (``0``, ``'webcam'``,
            ``'webcam:1'``), or an iterable of these; generators are consumed as the images are.
        check: Raise for missing paths at once, not when the image is read.

    Raises:
        FileNotFoundError: A path does not exist, or a folder or pattern holds no image.
        ValueError: The type of the inputs is not supported, or a video cannot be opened.
    """
    source = _open(inputs, check)
    return replace(source, images=_with_unique_names(source.images, source.live))


def _open(inputs: Inputs, check: bool) -> Source:
    if isinstance(inputs, np.ndarray):
        return Source(iter([InputImage('image', image=inputs)]), 1)
    if isinstance(inputs, bool | bytes) or not isinstance(inputs, int | np.integer | os.PathLike | Iterable):
        raise ValueError(
            f'Images cannot be read from {type(inputs).__name__}: give a path, an array, or a list of them.'
        )
    if isinstance(inputs, int | np.integer):
        return _camera(int(inputs))
    if isinstance(inputs, str | os.PathLike):
        return _open_path(os.fspath(inputs), check)
    if isinstance(inputs, Sequence):
        if not inputs:
            raise ValueError('The list of inputs is empty: give at least one image.')
        parts = [_open(part, check) for part in inputs]
        _keep_folders(inputs, parts)
        totals = [part.total for part in parts]
        total = None if None in totals else sum(filter(None, totals))
        images = itertools.chain.from_iterable(part.images for part in parts)
        return Source(images, total, any(part.live for part in parts))
    return Source(input_image for part in inputs for input_image in _open(part, check).images)


def _keep_folders(inputs: Sequence[Any], parts: Sequence[Source]) -> None:
    """Make names relative to the common folder if the paths of a list lie in several folders."""
    paths = [os.fspath(part) if isinstance(part, str | os.PathLike) else '' for part in inputs]
    folders = {
        number: _first_folder(path)
        for number, path in enumerate(paths)
        if osp.exists(path) or (glob.has_magic(path) and '://' not in path)
    }
    for number, prefix in zip(folders, folder_prefixes(list(folders.values()))):
        if prefix:
            parts[number].images = _with_prefix(parts[number].images, prefix)


def _first_folder(path: str) -> str:
    """The folder that the output names of a folder, pattern or file are relative to."""
    if osp.isdir(path):
        return path
    return osp.dirname(path) if osp.exists(path) else _fixed_folder(path)


def _with_prefix(images: Iterable[InputImage], prefix: str) -> Iterator[InputImage]:
    for input_image in images:
        clip = input_image.clip and input_image.clip._replace(name=prefix + input_image.clip.name)
        yield replace(input_image, name=prefix + input_image.name, clip=clip)


def _open_path(path: str, check: bool) -> Source:
    camera = re.fullmatch(r'webcam(?::(\d+))?|(\d+)', path)
    if camera and not osp.exists(path):
        return _camera(int(camera[1] or camera[2] or 0))
    suffix = osp.splitext(urlsplit(path).path if '://' in path else path)[1].lower()
    if '://' in path:
        live = urlsplit(path).scheme in STREAMS
        name = PurePosixPath(urlsplit(path).path).stem or 'stream'
        is_video = live or suffix in VIDEO_SUFFIXES
        return _video(path, name, live) if is_video else Source(iter([InputImage(name, path)]), 1)
    if osp.isdir(path):
        paths = list(_files_below(path))
        kinds = ', '.join(IMAGE_SUFFIXES)
        return _files(paths, path, f'The folder {path} holds no image ({kinds}).')
    if not osp.exists(path) and glob.has_magic(path):
        paths = sorted(file for file in glob.iglob(path, recursive=True) if osp.isfile(file))
        return _files(paths, _fixed_folder(path), f'No file matches the pattern {path}.')
    if suffix in VIDEO_SUFFIXES:
        return _video(path, Path(path).stem)
    if check and not osp.exists(path):
        raise FileNotFoundError(
            f'{path} does not exist: give an image, a folder, a pattern, a video, or webcam:0.'
        )
    return Source(iter([InputImage(Path(path).stem, path)]), 1)


def _files_below(folder: str) -> Iterator[str]:
    """Images in a folder and its subfolders, in the order of their names, without hidden ones."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        for name in sorted(files):
            if name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith('.'):
                yield osp.join(parent, name)


def _fixed_folder(pattern: str) -> str:
    """The folder before the first part of a pattern that has a wildcard."""
    parts = Path(pattern).parts
    fixed = itertools.takewhile(lambda part: not glob.has_magic(part), parts)
    return str(Path(*fixed))


def _files(paths: list[str], folder: str, error: str) -> Source:
    """Files, named as they lie below ``folder``; videos among them become their frames."""
    if not paths:
        raise FileNotFoundError(f'{error} Give another path.')
    names = [Path(osp.relpath(file, folder)).with_suffix('').as_posix() for file in paths]
    videos = [file.lower().endswith(VIDEO_SUFFIXES) for file in paths]
    parts = (
        _video(file, name).images if video else iter([InputImage(name, file)])
        for file, name, video in zip(paths, names, videos)
    )
    return Source(itertools.chain.from_iterable(parts), None if any(videos) else len(paths))


def _camera(index: int) -> Source:
    return _video(index, f'webcam{index}', live=True)


def _video(place: str | int, name: str, live: bool = False) -> Source:
    video = open_video(place)
    total = None if live else video.num_frames
    return Source(_frames(video, name, None if isinstance(place, int) else place), total, live)


def _frames(video: Video, name: str, path: str | None) -> Iterator[InputImage]:
    clip = Clip(name, video.fps)
    for number, frame in enumerate(video.frames()):
        yield InputImage(f'{name}/{number:06d}', path, frame, number, clip)


def _with_unique_names(images: Iterable[InputImage], live: bool) -> Iterator[InputImage]:
    """Number the images and videos whose names are taken: ``street``, ``street_2``, ...

    Names are compared without case, as some file systems do. Names of frames of a live stream are not
    recorded, since it has no end.
    """
    taken: dict[str, int] = {}
    clip = None
    for input_image in images:
        if input_image.clip is None:
            yield replace(input_image, name=claim(input_image.name, taken))
            continue
        if clip is None or input_image.frame == 0:
            clip = input_image.clip._replace(name=claim(input_image.clip.name, taken))
        name = f'{clip.name}/{input_image.frame:06d}'
        yield replace(input_image, name=name if live else claim(name, taken), clip=clip)
