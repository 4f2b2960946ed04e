"""Normalise and batch pictures, of different sizes in prediction too."""

from __future__ import annotations

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
        if training or not (self.size or self.size_divisor or self.test_cfg):
            return super().forward(data, training)
        data = self.cast_data(data)
        inputs = [self._normalise(picture) for picture in data['inputs']]
        padding = self.test_cfg or dict(size=self.size, size_divisor=self.size_divisor)
        batch, padded = stack_batch(inputs, pad_val=self.pad_val, **padding)
        data_samples = data.get('data_samples')
        for sample, picture, info in zip(data_samples or [], inputs, padded):
            sample.set_metainfo(dict(img_shape=tuple(picture.shape[-2:]), **info))
        return dict(inputs=batch, data_samples=data_samples)

    def _normalise(self, picture: Tensor) -> Tensor:
        if self.channel_conversion and len(picture) == 3:
            picture = picture.flip(0)
        picture = picture.float()
        return (picture - self.mean) / self.std if self._enable_normalize else picture
