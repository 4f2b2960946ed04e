"""Any network of timm with maps of strides 4, 8, 16 and 32, by its name alone."""

from __future__ import annotations

from typing import Any

from mmengine.model import BaseModule
from torch import Tensor

from ...registry import MODELS

STRIDES = [4, 8, 16, 32]


@MODELS.register_module()
class TIMMFeatures(BaseModule):
    """The four feature maps of a timm network, with what a head and a data preprocessor need to know of it.

    With ``decode_head.in_channels=None`` and ``mean`` and ``std`` of the data preprocessor ``'backbone'``, as
    in ``configs/_base_/models/maskformer_timm.py``, the name is all that a config says. Parameters are
    called as in `mmpretrain.TIMMBackbone`, so checkpoints of both fit both.

    Args:
        model_name: timm's name of the network.
        pretrained: Load timm's weights, from its hub or from where ``pretrained_cfg_overlay`` says.
        in_channels: Channels of the images.
        init_cfg: MMEngine initialization; ``dict(type='Pretrained', checkpoint=...)`` loads a file.
        **kwargs: Further arguments of ``timm.create_model``, ``pretrained_cfg_overlay`` or
            ``drop_path_rate`` for example.

    Attributes:
        out_channels: Channels of the four maps.
        pixel_mean: What the weights expect to be subtracted from pixels of 0 to 255, for each channel.
        pixel_std: By what these are then divided.

    Raises:
        ImportError: timm is not installed.
        ValueError: The network has no maps of these strides.

    Example:
        >>> backbone = TIMMFeatures('resnet10t')
        >>> [tuple(map.shape) for map in backbone(torch.rand(1, 3, 64, 64))]
        [(1, 64, 16, 16), (1, 128, 8, 8), (1, 256, 4, 4), (1, 512, 2, 2)]
    """

    def __init__(
        self,
        model_name: str,
        pretrained: bool = False,
        in_channels: int = 3,
        init_cfg: dict | None = None,
        **kwargs: Any,
    ):
        super().__init__(init_cfg=init_cfg)
        timm = _import_timm()
        strides = timm.create_model(model_name, features_only=True, **kwargs).feature_info.reduction()
        # of several maps of a stride the last, which has seen most
        last = {stride: index for index, stride in enumerate(strides)}
        if not set(STRIDES) <= last.keys():
            raise ValueError(
                f"backbone.model_name='{model_name}' has feature maps of strides {list(strides)}, expected "
                f'{STRIDES}: choose a network with a pyramid of maps (a ConvNeXt, ResNet or Swin)'
            )
        self.timm_model = timm.create_model(
            model_name,
            features_only=True,
            out_indices=tuple(last[stride] for stride in STRIDES),
            pretrained=pretrained,
            in_chans=in_channels,
            **kwargs,
        )
        if pretrained:
            self._is_init = True  # `init_weights` must leave them
        self.out_channels: list[int] = self.timm_model.feature_info.channels()
        self._channels_last = str(getattr(self.timm_model, 'output_fmt', 'NCHW')).endswith('NHWC')
        settings = timm.get_pretrained_cfg(model_name)
        self.pixel_mean = [255 * value for value in _per_channel(settings.mean, in_channels)]
        self.pixel_std = [255 * value for value in _per_channel(settings.std, in_channels)]
        for stage in self.timm_model.children():
            stage.with_cp = False  # the segmentor's `with_cp` looks for it

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """``(B, C, H, W)`` to four maps ``(B, out_channels[i], H / stride, W / stride)``, finest first."""
        maps = self.timm_model(images)
        if self._channels_last:
            maps = [features.permute(0, 3, 1, 2).contiguous() for features in maps]
        return tuple(maps)


def _import_timm() -> Any:
    try:
        import timm
    except ImportError:
        raise ImportError("TIMMFeatures needs timm: pip install 'mmmaskformer[timm]'") from None
    return timm


def _per_channel(values: tuple[float, ...], channels: int) -> list[float]:
    """One value for each channel of the images; those of RGB in turn where there are more."""
    return [values[channel % len(values)] for channel in range(channels)]
