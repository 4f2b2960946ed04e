"""Loading of label maps that names files it cannot read, and refuses labels that do not fit their image."""

from collections.abc import Mapping

import mmcv
import numpy as np
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations as MMSegLoadAnnotations

from mmmaskformer.registry import TRANSFORMS

from ..whole_files import check_lossless, check_whole
from .image_loading import naming_the_file

NUM_LABELS = 1 << 16
"""Labels that a file may hold; the largest is the ignored one where there are more than 8 bits."""


@TRANSFORMS.register_module()
class LoadAnnotations(MMSegLoadAnnotations):
    """MMSegmentation's loader of label maps for files of 8 or 16 bits, which also checks what it read.

    Sets ``gt_seg_map``, ``(H, W)`` uint8, or int32 if the file has 16 bits. Label 0 of data sets with
    ``reduce_zero_label`` becomes 255, or 65535 if the file has 16 bits. Samples without a label map pass, so
    that pipelines also serve for prediction.

    Raises:
        FileNotFoundError: The label map is missing.
        ValueError: The file cannot be decoded, is cut off, damaged or a JPEG, has several channels, fractions
            or labels beyond 16 bits, or differs in size from its image; or ``reduce_zero_label`` contradicts
            the data set's.
    """

    def _load_seg_map(self, results: dict) -> None:
        path = results.get('seg_map_path')
        if path is None:
            return
        reduced = results['reduce_zero_label']
        if self.reduce_zero_label not in (None, reduced):
            raise ValueError(
                f'reduce_zero_label is {self.reduce_zero_label} in LoadAnnotations, but {reduced} in the '
                'data set: leave it out of LoadAnnotations, which then does as the data set says.'
            )
        with naming_the_file('label map', path):
            labels = self._read(path)
        _check_shape(labels.shape, results)
        results['gt_seg_map'] = _translate(labels, reduced, results.get('label_map'))
        results['seg_fields'].append('gt_seg_map')

    def _read(self, path: str) -> np.ndarray:
        """The labels as they are in the file, uint8 or int32."""
        content = bytes(fileio.get(path, backend_args=self.backend_args))
        check_lossless(content)
        check_whole(content)
        labels = mmcv.imfrombytes(content, flag='unchanged', backend=self.imdecode_backend)
        if labels is None:
            raise ValueError('it is no picture')
        if labels.ndim == 3 and labels.shape[2] == 1:
            labels = labels[..., 0]
        if labels.dtype.itemsize == 1:
            return labels.astype(np.uint8)
        if labels.dtype.kind not in 'iu' or labels.min() < 0 or labels.max() >= NUM_LABELS:
            raise ValueError(f'labels are whole numbers from 0 to {NUM_LABELS - 1}')
        return labels.astype(np.int32)


def _check_shape(shape: tuple[int, ...], results: dict) -> None:
    path, expected = results['seg_map_path'], results.get('ori_shape')
    if len(shape) != 2:
        raise ValueError(
            f'The label map {path} has shape {shape}, but one label per pixel is expected: '
            'convert it to a PNG with a single channel of class numbers.'
        )
    if expected is not None and shape != tuple(expected):
        raise ValueError(
            f'The label map {path} is {shape[1]}x{shape[0]} pixels, but its image '
            f'{results["img_path"]} is {expected[1]}x{expected[0]}: '
            'correct the pair, or check data_prefix and seg_map_suffix.'
        )


def _translate(labels: np.ndarray, reduced: bool, label_map: Mapping[int, int] | None) -> np.ndarray:
    """Labels of a file to those of the model.

    Args:
        labels: ``(H, W)`` uint8 or int32.
        reduced: Labels count from 1 and 0 is void: 0 becomes the ignored label, and the others one less.
        label_map: After that, what each label becomes; those it does not name stay.
    """
    if not reduced and label_map is None:
        return labels
    if label_map and max(*label_map, *label_map.values()) > np.iinfo(labels.dtype).max:
        labels = labels.astype(np.int32)
    ignored = 255 if labels.dtype == np.uint8 else NUM_LABELS - 1
    table = np.arange(ignored + 1, dtype=labels.dtype)
    if label_map is not None:
        table[list(label_map)] = list(label_map.values())
    if reduced:
        table = np.concatenate([table[-1:], table[:-2], table[-1:]])
    return table[labels]
