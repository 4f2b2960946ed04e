"""Files of predictions: label maps as PNGs, COCO panoptic JSON with id PNGs, COCO instance results."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
from numpy.typing import NDArray

from ..file_names import opencv_path

LARGEST_ID = 2**24 - 1


def write_id_png(ids: NDArray[Any], path: Path) -> None:
    """Write an id map ``(H, W)`` in COCO's colors: id = red + 256 green + 65536 blue, 0 for void.

    Raises:
        ValueError: An id has more than 24 bits.
        OSError: The file cannot be written.
    """
    if ids.size and ids.max() > LARGEST_ID:
        raise ValueError(f'{path}: the id {ids.max()} does not fit the 24 bits of a PNG')
    blue_green_red = np.stack([ids >> shift & 255 for shift in (16, 8, 0)], axis=-1).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(opencv_path(path), blue_green_red):
        raise OSError(f'{path} could not be written')


def read_id_png(path: Path) -> NDArray[Any]:
    """Read what :func:`write_id_png` wrote, ``(H, W)`` int64.

    Raises:
        FileNotFoundError: The file is missing or not an image.
    """
    image = cv2.imread(opencv_path(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f'{path} is missing or not an image')
    return image.astype(np.int64) @ (65536, 256, 1)


class PanopticSubmission:
    """``<prefix>.panoptic.json`` and a PNG for each image in ``<prefix>.panoptic/``.

    Args:
        prefix: Path and beginning of the names.
        category_ids: Id of each class in annotation files.
    """

    def __init__(self, prefix: str, category_ids: Sequence[int]) -> None:
        self.folder = Path(f'{prefix}.panoptic')
        self.json_file = Path(f'{prefix}.panoptic.json')
        self.category_ids = [int(number) for number in category_ids]

    def write_map(
        self, sample: Mapping, ids: NDArray[Any], segments: Sequence[Mapping], name: str | None = None
    ) -> dict:
        """Write the PNG of an image.

        Args:
            sample: With ``img_id`` and ``img_path``.
            ids: Its id map ``(H, W)``.
            segments: ``id``, ``category_id`` and ``score`` of its segments.
            name: Name of the PNG without suffix; None takes that of the image without its folder.

        Returns:
            The entry of the image in the JSON file.

        Raises:
            ValueError: The sample lacks ``img_id`` or ``img_path``, or an id is too large.
        """
        name = f'{name or _named(sample, "img_path").stem}.png'
        write_id_png(ids, self.folder / name)
        listed = [
            dict(
                id=int(segment['id']),
                category_id=self.category_ids[segment['category_id']],
                **({'score': float(segment['score'])} if 'score' in segment else {}),
            )
            for segment in segments
        ]
        return dict(image_id=image_id(sample), file_name=name, segments_info=listed)

    def write_list(self, annotations: Sequence[dict]) -> Path:
        """Write the JSON file.

        Raises:
            ValueError: Two images have the same name, so that one PNG overwrote the other.
        """
        counts = Counter(annotation['file_name'] for annotation in annotations)
        name, count = max(counts.items(), key=lambda item: item[1], default=('', 0))
        if count > 1:
            raise ValueError(
                f'{count} images are written to the same file {self.folder / name}: rename the images'
            )
        return write_json(dict(annotations=sorted(annotations, key=itemgetter('file_name'))), self.json_file)


def write_json(content: Any, path: Path) -> Path:
    """Write a JSON file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding='utf-8')
    return path


def image_id(sample: Mapping) -> int | str:
    """The id of an image in annotation files.

    Raises:
        ValueError: The sample has no ``img_id``.
    """
    if sample.get('img_id') is None:
        raise ValueError(
            "a sample has no img_id, which COCO's files need: add it to the pipeline's meta_keys"
        )
    return sample['img_id']


def _named(sample: Mapping, field: str) -> Path:
    if not sample.get(field):
        raise ValueError(
            f"a sample has no {field}, from which its output is named: add it to the pipeline's meta_keys"
        )
    return Path(sample[field])


def number_labels(
    labels: NDArray[Any],
    num_classes: int,
    reduce_zero_label: bool = False,
    label_map: Mapping[int, int] | None = None,
) -> NDArray[Any]:
    """Translate class indices to the numbers of label files, of 8 bits if these suffice, else of 16.

    Args:
        labels: Class of every pixel ``(H, W)``; other values than ``[0, num_classes)`` are no class.
        num_classes: Number of classes, which determines the number of bits, so that all files of a data set
            have the same.
        reduce_zero_label: The files count classes from 1, and 0 is no class, as in ADE20K. Otherwise no class
            is the largest number: 255, or 65535 in 16 bits.
        label_map: Class index of each number of the files, for data sets with a subset of their classes.

    Returns:
        ``(H, W)`` uint8 or uint16.

    Example:
        >>> number_labels(np.array([[0, 1, 255]]), 2, reduce_zero_label=True).tolist()
        [[1, 2, 0]]
    """
    numbers = np.arange(num_classes + 1)  # the last is no class
    for number, index in sorted((label_map or {}).items(), reverse=True):
        if 0 <= index < num_classes:
            numbers[index] = number
    numbers = numbers + reduce_zero_label
    eight_bits = numbers[:-1].max(initial=0) < (256 if reduce_zero_label else 255)
    dtype = np.uint8 if eight_bits else np.uint16
    numbers[-1] = 0 if reduce_zero_label else np.iinfo(dtype).max
    whole = labels.astype(np.int64)
    known = (whole >= 0) & (whole < num_classes)
    return numbers.astype(dtype)[np.where(known, whole, num_classes)]


def write_image(image: NDArray[Any], path: str | Path) -> Path:
    """Write an image ``(H, W)`` or BGR ``(H, W, 3)``, and its folder.

    Raises:
        OSError: The file cannot be written.
    """
    if not mmcv.imwrite(image, opencv_path(path)):
        raise OSError(f'{path} could not be written')
    return Path(path)
