"""Files of results: overlays, label maps, COCO panoptic files, JSON (see docs/inference.md)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..evaluation.prediction_files import number_labels, write_id_png, write_image, write_json
from .vector_files import VECTOR_FORMATS, write_confidence, write_geotiff, write_vectors
from .video import VideoSink

if TYPE_CHECKING:
    from .segmentation_result import SegmentationResult

BY_DEFAULT = ('overlay', 'label', 'panoptic', 'json')
FORMATS = (*BY_DEFAULT, *VECTOR_FORMATS, 'confidence', 'geotiff')
NEEDS = {'label': 'semantic', 'panoptic': 'panoptic', 'confidence': 'probabilities'}


def choose_formats(formats: str | Sequence[str] | None, result: SegmentationResult) -> tuple[str, ...]:
    """The formats to write; None means all that the result allows."""
    if formats is not None:
        return check_formats(formats)
    return tuple(kind for kind in BY_DEFAULT if getattr(result, NEEDS.get(kind, 'name')) is not None)


def check_formats(formats: str | Sequence[str]) -> tuple[str, ...]:
    """The formats, each once.

    Raises:
        ValueError: One is unknown, or there is none.
    """
    chosen = (formats,) if isinstance(formats, str) else tuple(dict.fromkeys(formats))
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown or not chosen:
        choice = repr(unknown[0]) if unknown else 'nothing'
        raise ValueError(f'Results cannot be saved as {choice}: choose from {", ".join(FORMATS)}.')
    return chosen


def save_result(
    result: SegmentationResult, folder: str | Path, formats: str | Sequence[str] | None = None
) -> list[Path]:
    """Write one result; its panoptic JSON lies beside its PNG. See `SegmentationResult.save`."""
    written = []
    for kind in choose_formats(formats, result):
        if kind == 'panoptic':
            path = Path(folder) / 'panoptic' / f'{result.name}.png'
            document = dict(
                images=[_image_entry(result)],
                annotations=[_write_panoptic(result, Path(folder))],
                categories=_categories(result),
            )
            written += [path, write_json(document, path.with_name(f'{path.stem}.json'))]
        else:
            written.append(_WRITERS[kind](result, Path(folder)))
    return written


class ResultWriter:
    """Writes results one by one without keeping them: lists of all images grow on disk.

    Overlays of a video's frames become a video. Use it as a context manager: the files are then complete
    even if the work is interrupted.

    Args:
        folder: Where to; files of the same names are replaced.
        formats: Of `FORMATS`; None writes those of `BY_DEFAULT` that the kinds of result allow.

    Raises:
        ValueError: A format is unknown.
    """

    def __init__(self, folder: str | Path, formats: str | Sequence[str] | None = None) -> None:
        self.folder = Path(folder)
        self.formats = None if formats is None else check_formats(formats)
        self._video: tuple[str, VideoSink] | None = None
        self._panoptic: _PanopticJson | None = None

    def write(self, result: SegmentationResult) -> None:
        """Write one result.

        Raises:
            ValueError: A format needs a kind of result that was not requested.
            OSError: A file cannot be written.
        """
        for kind in choose_formats(self.formats, result):
            if kind == 'overlay' and result.input_image.clip is not None:
                self._write_frame(result)
            elif kind == 'panoptic':
                if self._panoptic is None:
                    self._panoptic = _PanopticJson(self.folder / 'panoptic.json', _categories(result))
                self._panoptic.add(_image_entry(result), _write_panoptic(result, self.folder))
            else:
                _WRITERS[kind](result, self.folder)

    def close(self) -> None:
        """Finish the video and the JSON file."""
        if self._video is not None:
            self._video[1].close()
        if self._panoptic is not None:
            self._panoptic.close()

    def __enter__(self) -> ResultWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_frame(self, result: SegmentationResult) -> None:
        clip = result.input_image.clip
        assert clip is not None
        if self._video is None or self._video[0] != clip.name:
            if self._video is not None:
                self._video[1].close()
            self._video = clip.name, VideoSink(self.folder / 'overlay' / clip.name, clip.fps)
        self._video[1].write(result.draw())


class _PanopticJson:
    """COCO's panoptic JSON: entries are collected in temporary files and joined at the end."""

    def __init__(self, path: Path, categories: list[dict]) -> None:
        self.path, self.categories = path, categories
        self._lists: dict[str, IO[str]] = {}
        for key in ('images', 'annotations'):
            self._lists[key] = tempfile.TemporaryFile('w+', encoding='utf-8')  # noqa: SIM115
        self._ids: set[int | str] = set()

    def add(self, image: dict, annotation: dict) -> None:
        """Add an image; its name becomes its id if its number is already taken."""
        if image['id'] in self._ids:
            image['id'] = annotation['image_id'] = Path(image['file_name']).with_suffix('').as_posix()
        separator = ',\n' if self._ids else ''
        self._ids.add(image['id'])
        for key, entry in (('images', image), ('annotations', annotation)):
            self._lists[key].write(separator + json.dumps(entry))

    def close(self) -> None:
        """Write the file."""
        with self.path.open('w', encoding='utf-8') as file:
            for key, entries in self._lists.items():
                file.write(f'{"{" if key == "images" else ","}"{key}": [\n')
                entries.seek(0)
                file.writelines(entries)
                entries.close()
                file.write(']')
            file.write(f',"categories": {json.dumps(self.categories)}}}\n')


def _write_overlay(result: SegmentationResult, folder: Path) -> Path:
    return write_image(result.draw(), folder / 'overlay' / f'{result.name}.png')


def _write_label(result: SegmentationResult, folder: Path) -> Path:
    _require(result, 'label')
    assert result.semantic is not None
    numbers = number_labels(result.semantic, len(result.categories.names))
    return write_image(numbers, folder / 'label' / f'{result.name}.png')


def _write_json(result: SegmentationResult, folder: Path) -> Path:
    return write_json(result.to_json(), folder / 'json' / f'{result.name}.json')


def _write_confidence(result: SegmentationResult, folder: Path) -> Path:
    _require(result, 'confidence')
    return write_confidence(result, folder)


_WRITERS: dict[str, Callable[[SegmentationResult, Path], Path]] = dict(
    overlay=_write_overlay,
    label=_write_label,
    json=_write_json,
    confidence=_write_confidence,
    geotiff=write_geotiff,
    **{kind: partial(write_vectors, kind) for kind in VECTOR_FORMATS},
)


def _write_panoptic(result: SegmentationResult, folder: Path) -> dict:
    """Write the id PNG; returns the annotation."""
    _require(result, 'panoptic')
    assert result.panoptic is not None
    name = f'{result.name}.png'
    write_id_png(result.panoptic.astype(np.int32), folder / 'panoptic' / name)
    segments = []
    for segment in result.segments or ():
        left, top, right, bottom = segment.bbox
        segments.append(
            dict(
                id=segment.id,
                category_id=result.categories.category_ids[segment.category_id],
                score=segment.score,
                area=segment.area,
                bbox=[left, top, right - left, bottom - top],
                iscrowd=0,
            )
        )
    return dict(image_id=_image_id(result), file_name=name, segments_info=segments)


def _image_entry(result: SegmentationResult) -> dict:
    """How the JSON lists the image; ``file_name`` is its name below the folder it was found in."""
    suffix = Path(result.path).suffix if result.path and result.input_image.frame is None else '.png'
    height, width = result.size
    return dict(id=_image_id(result), file_name=f'{result.name}{suffix}', height=height, width=width)


def _image_id(result: SegmentationResult) -> int | str:
    """The number that a name of digits stands for, as in COCO; else the name."""
    return int(result.name) if result.name.isascii() and result.name.isdigit() else result.name


def _categories(result: SegmentationResult) -> list[dict]:
    """The classes as COCO lists categories."""
    classes = result.categories
    colors: Sequence[Any] = classes.palette or [None] * len(classes.names)
    listed = []
    for index, (number, name, color) in enumerate(zip(classes.category_ids, classes.names, colors)):
        extra = {} if color is None else dict(color=[int(value) for value in color])
        listed.append(dict(id=number, name=name, isthing=int(bool(classes.is_thing(index))), **extra))
    return listed


def _require(result: SegmentationResult, kind: str) -> None:
    needed = NEEDS[kind]
    if getattr(result, needed) is None:
        if needed == 'probabilities':
            raise ValueError(f'{result.input_image}: the format {kind!r} needs probabilities=True.')
        raise ValueError(
            f'{result.input_image}: the format {kind!r} needs the {needed} result, which was not requested: '
            f'add {needed!r} to tasks, or leave the format out.'
        )
