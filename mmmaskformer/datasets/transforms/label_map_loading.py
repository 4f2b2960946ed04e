"""Loader of label maps of 8 or 16 bits that checks files, channels and sizes."""

from collections.abc import Mapping

import mmcv
import numpy as np
from mmseg.datasets.transforms import LoadAnnotations as MMSegLoadAnnotations

from mmmaskformer.functional.targets import LARGEST_LABEL
from mmmaskformer.registry import TRANSFORMS

from ..file_checks import check_same_size, named_read_errors, read_exact


@TRANSFORMS.register_module()
class LoadAnnotations(MMSegLoadAnnotations):
    """MMSegmentation's loader of label maps, for files of 8 or 16 bits and with checks.

    Sets ``gt_seg_map``, ``(H, W)`` uint8, or int32 if the file has 16 bits or the ignored label needs them.
    Void of the files becomes the ignored label of the data set (`datasets.ignored_label`), whatever the bits
    of the file: label 0 with ``reduce_zero_label``, and 255 and 65535 where they are not the number of a
    class. Samples without a label map pass, so that pipelines also serve for prediction.

    Attributes:
        num_classes: Number of classes, set by the data set.
        ignore_index: The ignored label, set by the data set; None stands for the largest label of the file's
            bits.

    Raises:
        FileNotFoundError: The label map is missing.
        ValueError: The file cannot be decoded, is cut off, damaged or a JPEG, has several channels, fractions
            or labels beyond 16 bits, or differs in size from its image; or ``reduce_zero_label`` contradicts
            the data set's.
    """

    num_classes: int | None = None
    ignore_index: int | None = None

    def _load_seg_map(self, results: dict) -> None:
        path = results.get('seg_map_path')
        if path is None:
            return
        reduced = results['reduce_zero_label']
        if self.reduce_zero_label not in (None, reduced):
            raise ValueError(
                f'reduce_zero_label is {self.reduce_zero_label} in LoadAnnotations, but {reduced} in the '
                'data set: remove it from LoadAnnotations, which then takes the setting of the data set.'
            )
        with named_read_errors('label map', path):
            labels = self.read(path)
        _check_single_channel(path, labels.shape)
        check_same_size('label map', labels.shape, results, 'data_prefix and seg_map_suffix')
        results['gt_seg_map'] = _translate(
            labels, reduced, results.get('label_map'), self.num_classes, self.ignore_index
        )
        results['seg_fields'].append('gt_seg_map')

    def read(self, path: str) -> np.ndarray:
        """The labels of a file, unchanged, uint8 or int32."""
        content = read_exact(path, self.backend_args)
        labels = mmcv.imfrombytes(content, flag='unchanged', backend=self.imdecode_backend)
        if labels is None:
            raise ValueError('it is not an image')
        if labels.ndim == 3 and labels.shape[2] == 1:
            labels = labels[..., 0]
        if labels.dtype.itemsize == 1:
            return labels.astype(np.uint8)
        if labels.dtype.kind not in 'iu' or labels.min() < 0 or labels.max() > LARGEST_LABEL:
            raise ValueError(f'labels are whole numbers from 0 to {LARGEST_LABEL}')
        return labels.astype(np.int32)


def _check_single_channel(path: str, shape: tuple[int, ...]) -> None:
    if len(shape) != 2:
        raise ValueError(
            f'The label map {path} has shape {shape}, but one label per pixel is expected: '
            'convert it to a PNG with a single channel of class numbers.'
        )


def _translate(
    labels: np.ndarray,
    reduced: bool,
    label_map: Mapping[int, int] | None,
    num_classes: int | None = None,
    ignore_index: int | None = None,
) -> np.ndarray:
    """Translate the labels of a file to those of the model.

    Args:
        labels: ``(H, W)`` uint8 or int32.
        reduced: Labels count from 1 and 0 is void: 0 becomes the ignored label, other labels become one less.
        label_map: Applied after that: new label by old label; other labels stay.
        num_classes: Number of classes, None if unknown.
        ignore_index: The ignored label; None stands for the largest one of the file's bits.
    """
    largest = 255 if labels.dtype == np.uint8 else LARGEST_LABEL
    ignored = largest if ignore_index is None else ignore_index
    table = np.arange(largest + 1, dtype=np.int32)
    if label_map:
        targets = np.arange(max(largest, *label_map) + 1, dtype=np.int32)
        targets[list(label_map)] = list(label_map.values())
        targets[targets >= (num_classes or LARGEST_LABEL + 1)] = ignored
        table = np.where(np.isin(table, list(label_map)), targets[table], table)
    if reduced:
        table = np.concatenate([[ignored], table[:-1]])
    table[_void_labels(largest, reduced, label_map, num_classes)] = ignored
    wide = labels.dtype != np.uint8 or max(table.max(), ignored) > 255
    return table.astype(np.int32 if wide else np.uint8)[labels]


def _void_labels(
    largest: int, reduced: bool, label_map: Mapping[int, int] | None, num_classes: int | None
) -> list[int]:
    """The labels of void in a file: those of 255 and 65535 that are not the number of a class."""
    if num_classes is None:
        return [largest]
    first_unused = reduced + (max(label_map) + 1 if label_map else num_classes)
    return [label for label in (255, LARGEST_LABEL) if first_unused <= label <= largest]
