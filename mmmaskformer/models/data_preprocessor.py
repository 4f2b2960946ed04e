"""Normalize and batch images, of different sizes in prediction too."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.structures import SegDataSample
from mmseg.utils import stack_batch
from torch import Tensor

from ..registry import MODELS

OF_BACKBONE = 'backbone'


@MODELS.register_module()
class MaskFormerDataPreProcessor(SegDataPreProcessor):
    """mmseg's `SegDataPreProcessor` that pads in prediction as it does in training.

    ``bgr_to_rgb`` also reverses the first three channels of images with more than three. ``mean`` and ``std``
    ``'backbone'`` are those of the backbone's weights, which `TIMMFeatures` knows.

    ``pads_first=True`` pads before normalization: what is around an image is black with ``pad_val=0``, as for
    EoMT, and not the mean color.

    Images of different sizes may share a test batch, and ``data_samples`` may be left out. Each sample
    gets ``img_shape``, ``pad_shape`` and ``img_padding_size`` (left, right, top, bottom), by which
    the padding of predictions is removed.

    Raises:
        ValueError: ``mean`` and ``std`` have different lengths; an image has no pixels, other channels than
            ``mean`` or the backbone, or values that are not finite; or, in training, its ground truth has
            another size. The sentence names the file.
    """

    channels: int | None = None  # of the backbone, which `expect_channels` sets
    awaits_backbone: bool  # for `take_statistics`

    def __init__(
        self, mean: Any = None, std: Any = None, *args: Any, pads_first: bool = False, **kwargs: Any
    ) -> None:
        self.pads_first = pads_first
        self.awaits_backbone = OF_BACKBONE in (mean, std)
        if self.awaits_backbone:
            if mean != std:
                raise ValueError(
                    f"data_preprocessor.mean is {mean} and std {std}: set both to 'backbone', or none."
                )
            mean = std = None
        super().__init__(mean, std, *args, **kwargs)
        if self._enable_normalize and len(self.mean) != len(self.std):
            raise ValueError(
                f'data_preprocessor.mean has {len(self.mean)} numbers and std {len(self.std)}: give one of '
                'each for every channel of the images.'
            )

    def forward(self, data: dict, training: bool = False) -> dict:
        """``inputs``, a list of ``(C, h, w)``, become ``(B, C, H, W)``, padded with their ground truth."""
        if self.awaits_backbone:
            raise ValueError(
                "mean and std of the data preprocessor are 'backbone', which a MaskFormer segmentor sets: "
                'give numbers to use it alone.'
            )
        self._check(data, training)
        self._non_blocking = self.device.type == 'cuda'  # from pinned memory, the host goes on at once
        data = self.cast_data(data)
        inputs, data_samples = data['inputs'], data.get('data_samples')
        if not self.pads_first:
            inputs = [self._normalize(image) for image in inputs]
        if training:
            return self._training_batch(inputs, data_samples)
        padding = self.test_cfg or dict(size=self.size, size_divisor=self.size_divisor)
        if not any(padding.values()):
            return dict(inputs=self._finish(torch.stack(inputs)), data_samples=data_samples)
        batch, padded = stack_batch(inputs, pad_val=self.pad_val, **padding)
        for sample, image, info in zip(data_samples or [], inputs, padded):
            sample.set_metainfo(dict(img_shape=tuple(image.shape[-2:]), **info))
        return dict(inputs=self._finish(batch), data_samples=data_samples)

    def _finish(self, batch: Tensor) -> Tensor:
        """A padded batch, normalized in any case."""
        return torch.stack([self._normalize(image) for image in batch]) if self.pads_first else batch

    def _check(self, data: dict, training: bool) -> None:
        """Raise for images and ground truth that would silently spoil the whole batch.

        Raises:
            ValueError: See the class.
        """
        samples = data.get('data_samples') or [None] * len(data['inputs'])
        for image, sample in zip(data['inputs'], samples):
            fault = self._fault(image)
            if fault is None and training and sample is not None:
                fault = _other_size(image, sample)
            if fault is not None:
                path = None if sample is None else sample.metainfo.get('img_path')
                raise ValueError(f'{path or "an image without img_path"} {fault}')

    def _fault(self, image: Tensor) -> str | None:
        if image.ndim != 3 or 0 in image.shape:
            return (
                f'became an input of shape {tuple(image.shape)}, expected channels, height and width, none '
                'of them 0: correct the file or the pipeline.'
            )
        mean = len(self.mean) if self._enable_normalize else 1
        channels = mean if mean > 1 else self.channels
        if channels not in (None, len(image)):
            setting = 'mean and std of the data preprocessor have' if mean > 1 else 'backbone.in_channels is'
            return (
                f'has {len(image)} channel{"s" * (len(image) > 1)}, but {setting} {channels}: set '
                "color_type in LoadImageFromFile ('grayscale' for one channel, 'color' for three, "
                "'unchanged' for those of the file), or in_channels of the backbone and mean and std."
            )
        if image.is_floating_point() and not image.isfinite().all():
            return 'has pixels that are not finite (NaN or infinite): correct the file or the pipeline.'
        return None

    def _training_batch(self, inputs: list[Tensor], data_samples: Any) -> dict:
        """Images and ground truth, padded together."""
        padding = dict(size=self.size, size_divisor=self.size_divisor)
        values = dict(pad_val=self.pad_val, seg_pad_val=self.seg_pad_val)
        batch, data_samples = stack_batch(inputs, data_samples, **padding, **values)
        batch = self._finish(batch)
        if self.batch_augments is not None:
            batch, data_samples = self.batch_augments(batch, data_samples)
        return self._pad_segments(dict(inputs=batch, data_samples=data_samples))

    @staticmethod
    def _pad_segments(batch: dict) -> dict:
        """Pad the maps of segment ids to the batch's size with void, as mmseg pads label maps."""
        height, width = batch['inputs'].shape[-2:]
        for sample in batch['data_samples']:
            if 'gt_panoptic_seg' in sample:
                ids = sample.gt_panoptic_seg.data
                padded = F.pad(ids, (0, width - ids.shape[-1], 0, height - ids.shape[-2]))
                sample.gt_panoptic_seg = PixelData(data=padded)
                sample.set_metainfo(dict(pad_shape=(height, width)))
        return batch

    @property
    def _flips_channels(self) -> bool:
        """The setting by mmseg's name, or by that of OneDL's fork."""
        mmseg = hasattr(self, 'channel_conversion')
        return self.channel_conversion if mmseg else self._channel_conversion

    def _normalize(self, image: Tensor) -> Tensor:
        if self._flips_channels and len(image) >= 3:
            image = _reversed(image)
        image = image.float()
        return (image - self.mean) / self.std if self._enable_normalize else image


def take_statistics(preprocessor: Any, backbone: Any) -> None:
    """Give ``mean`` and ``std`` of the backbone's weights to a data preprocessor that asks for them.

    Raises:
        ValueError: The backbone does not know them.
    """
    if not getattr(preprocessor, 'awaits_backbone', False):
        return
    if not hasattr(backbone, 'pixel_mean'):
        raise ValueError(
            f"data_preprocessor.mean is 'backbone', but {type(backbone).__name__} does not know what its "
            "weights expect: give numbers, or take a backbone of type 'mmmaskformer.TIMMFeatures'."
        )
    for name, values in (('mean', backbone.pixel_mean), ('std', backbone.pixel_std)):
        preprocessor.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)
    preprocessor._enable_normalize, preprocessor.awaits_backbone = True, False


def expect_channels(preprocessor: Any, channels: int) -> None:
    """Let a data preprocessor refuse images of other channels than the backbone takes.

    Raises:
        ValueError: It has ``mean`` and ``std`` for another number of channels.
    """
    if not isinstance(preprocessor, MaskFormerDataPreProcessor):
        return
    given = len(preprocessor.mean) if preprocessor._enable_normalize else 1
    if given not in (1, channels):
        raise ValueError(
            f'backbone.in_channels is {channels}, but data_preprocessor.mean and std have {given} numbers: '
            'set both to the channels of the images.'
        )
    preprocessor.channels = channels


def pad_with_ignored_label(preprocessor: Any, ignored: int) -> None:
    """Let a data preprocessor pad label maps with the label that the head ignores.

    Raises:
        ValueError: Its ``seg_pad_val`` is set to another label, 255 excepted, which is the default.
    """
    value = getattr(preprocessor, 'seg_pad_val', None)
    if value not in (None, 255, ignored):
        raise ValueError(
            f'data_preprocessor.seg_pad_val is {value}, but decode_head.ignore_index {ignored}: leave '
            'seg_pad_val out, and the padding of label maps is ignored'
        )
    if value is not None:
        preprocessor.seg_pad_val = ignored


def _reversed(image: Tensor) -> Tensor:
    """The first three channels of ``(C, h, w)`` in the opposite order."""
    first = image[:3].flip(0)
    return torch.cat([first, image[3:]]) if len(image) > 3 else first


def _other_size(image: Tensor, sample: SegDataSample) -> str | None:
    """What is wrong if the ground truth has another size than its image."""
    size = tuple(image.shape[-2:])
    for field in ('gt_sem_seg', 'gt_panoptic_seg'):
        found = tuple(sample.get(field).data.shape[-2:]) if field in sample else size
        if found != size:
            return (
                f'is {size[1]}x{size[0]} pixels in the batch, but its ground truth ({field}) '
                f'{found[1]}x{found[0]}: load it before resizing in the training pipeline, with '
                'the loaders of mmmaskformer.'
            )
    return None
