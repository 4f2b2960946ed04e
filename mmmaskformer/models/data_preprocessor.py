"""Normalise and batch pictures, of different sizes in prediction too."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.utils import stack_batch
from torch import Tensor

from ..registry import MODELS


@MODELS.register_module()
class MaskFormerDataPreProcessor(SegDataPreProcessor):
    """mmseg's `SegDataPreProcessor` that pads in prediction as it does in training.

    Pictures of different sizes may share a test batch, and ``data_samples`` may be left out. Each sample
    learns ``img_shape``, ``pad_shape`` and ``img_padding_size`` (left, right, top, bottom), by which
    predictions lose their padding again.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """``inputs``, a list of ``(C, h, w)``, become ``(B, C, H, W)``; see mmseg for the rest."""
        if training:
            return self._pad_segments(super().forward(data, training))
        if not (self.size or self.size_divisor or self.test_cfg):
            return super().forward(data, training)
        data = self.cast_data(data)
        inputs = [self._normalise(picture) for picture in data['inputs']]
        padding = self.test_cfg or dict(size=self.size, size_divisor=self.size_divisor)
        batch, padded = stack_batch(inputs, pad_val=self.pad_val, **padding)
        data_samples = data.get('data_samples')
        for sample, picture, info in zip(data_samples or [], inputs, padded):
            sample.set_metainfo(dict(img_shape=tuple(picture.shape[-2:]), **info))
        return dict(inputs=batch, data_samples=data_samples)

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

    def _normalise(self, picture: Tensor) -> Tensor:
        if self.channel_conversion and len(picture) == 3:
            picture = picture.flip(0)
        picture = picture.float()
        return (picture - self.mean) / self.std if self._enable_normalize else picture
