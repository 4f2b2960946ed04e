"""Reading of COCO's JSON files: images, and entries that training and evaluation skip."""

from __future__ import annotations

import json
import logging
import os.path as osp
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mmengine import fileio
from mmengine.logging import print_log

from ..utils import shown
from .json_fields import IMAGE, check_entries, image_size, whole_number

ImageId = int | str
Classes = Mapping[int, tuple[int, bool]]
"""Place among the classes and isthing, by the id of the category."""
LeftOut = dict[str, list[str]]
"""Entries of a file that are skipped: by reason, the file name of the image of each entry."""

REPEATED_IMAGE = 'image entries listed twice'
UNLISTED_IMAGE = 'annotations of images that the file does not list'
REPEATED = 'annotations listed twice'
SINGULAR = {
    'annotations': 'annotation', 'classes': 'class', 'entries': 'entry', 'files': 'file', 'images': 'image',
    'names': 'name', 'objects': 'object', 'polygons': 'polygon', 'segments': 'segment',
}  # fmt: skip
_LOGGED: set[str] = set()


class CocoImage(NamedTuple):
    """An image as the file lists it.

    Attributes:
        name: Its file, with ``/`` between folders.
        shape: Height and width; None where the file does not say, then the image itself does.
    """

    name: str
    shape: tuple[int, int] | None


class ImageIndex(dict[ImageId, CocoImage]):
    """Images of a file by their id, in its order; annotations may write the id as 1, 1.0 or "1"."""

    def __init__(
        self, document: Mapping, path: str, left_out: LeftOut, named: Callable[[Mapping], str] | None = None
    ) -> None:
        """Read ``document['images']``.

        Args:
            document: As :func:`read_document` returns it.
            path: Its file, for the messages.
            left_out: Skipped entries are added to it.
            named: Returns the file name of an entry; None takes its ``file_name``.

        Raises:
            ValueError: The file lists no image, an entry lacks a key, or two images have the same id.
        """
        super().__init__()
        for entry in check_entries(document['images'], IMAGE, f'{path}: images'):
            img_id = _image_id(entry['id'])
            name = named(entry) if named else entry['file_name']
            image = CocoImage(name.replace('\\', '/'), image_size(entry))
            known = self.setdefault(img_id, image)
            if known is not image:
                if known != image:
                    raise ValueError(
                        f'{path}: the image {entry} has the id of another image: correct that entry.'
                    )
                skip_entry(left_out, REPEATED_IMAGE, known.name)
        if not self:
            raise ValueError(f'{path} lists no image: give a JSON file of COCO with images as ann_file.')
        self._by_text = {str(img_id): img_id for img_id in self}

    def find(self, img_id: Any) -> ImageId | None:
        """The key of the image with this id in any spelling; None if the file lists no such image."""
        if img_id in self:
            return int(img_id) if isinstance(img_id, float) else img_id
        return self._by_text.get(str(_image_id(img_id)))


def read_document(
    path: str, backend_args: dict | None, reader: str, advice: str = 'set ann_file and data_root'
) -> dict:
    """Read a JSON file that lists images.

    Args:
        path: Path or URL.
        backend_args: MMEngine's file backend.
        reader: Name of the data set or metric, for the messages.
        advice: Setting to change if there is no such file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not JSON, or has no images.
    """
    try:
        document = json.loads(fileio.get(path, backend_args=backend_args))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'{reader}: the annotation file {path} does not exist: restore it, or {advice}.'
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f'The annotation file {path} is not JSON ({error}): replace the file.') from error
    if not isinstance(document, dict) or 'images' not in document:
        found = 'is a list, as files of results are' if isinstance(document, list) else "has no key 'images'"
        raise ValueError(f'{path} {found}: give a JSON file of COCO with images as ann_file.')
    return document


def check_kind(document: Mapping, path: str, panoptic: bool) -> None:
    """Refuse a panoptic file where instances are expected, and the reverse.

    Raises:
        ValueError: The annotations are of the wrong kind; the message names the data set to use.
    """
    annotations = document.get('annotations')
    first = annotations[0] if isinstance(annotations, list) and annotations else None
    if not isinstance(first, dict):
        return
    if not panoptic and 'segments_info' in first:
        raise ValueError(
            f'{path} is a panoptic file, its annotations have segments_info: use '
            'mmmaskformer.CocoPanopticDataset with LoadPanopticAnnotations, or give the instance file.'
        )
    if panoptic and 'segments_info' not in first and ('segmentation' in first or 'bbox' in first):
        raise ValueError(
            f'{path} is a file of instances, its annotations have no segments_info: use '
            'mmmaskformer.CocoInstanceDataset with LoadInstanceAnnotations, or give the panoptic file.'
        )


def check_known_images(num_annotations: int, num_unlisted: int, path: str) -> None:
    """Refuse annotations that all belong to images the file does not list.

    Raises:
        ValueError: No annotation belongs to a listed image.
    """
    if num_annotations and num_unlisted == num_annotations:
        raise ValueError(
            f'{path}: none of its {num_annotations} annotations belongs to an image that it lists (image_id '
            'against the id of images): correct the file.'
        )


def skip_entry(left_out: LeftOut, reason: str, name: str) -> None:
    """Record a skipped entry under its reason."""
    left_out.setdefault(reason, []).append(name)


def log_left_out(path: str, left_out: LeftOut) -> None:
    """Log the skipped entries of a file in one line, once per process however often the file is read."""
    key = osp.realpath(path)
    if not left_out or key in _LOGGED:
        return
    _LOGGED.add(key)
    entries = describe_left_out(left_out)
    print_log(f'{path}: skipped in training and evaluation: {entries}', 'current', logging.WARNING)


def describe_left_out(left_out: LeftOut) -> str:
    """Number of entries, reason and the first file names, for each reason."""
    return '; '.join(
        f'{counted(len(names), reason)} ({shown(list(dict.fromkeys(names)))})'
        for reason, names in left_out.items()
    )


def counted(number: int, what: str) -> str:
    """A number and what it counts, which is given in the plural.

    Example:
        >>> counted(1, 'images that do not exist'), counted(2000, 'images')
        ('1 image that does not exist', '2,000 images')
    """
    words = what.split(' ')
    if number == 1:
        place = next((place for place, word in enumerate(words) if word in SINGULAR), 0)
        words[place] = SINGULAR.get(words[place], words[place])
    phrase = ' '.join(words)
    return f'{number:,} {phrase.replace("that do not", "that does not") if number == 1 else phrase}'


def _image_id(value: Any) -> ImageId:
    """Numbers as whole numbers, text unchanged."""
    if isinstance(value, str):
        return value
    number = whole_number(value)
    return str(value) if number is None else number
