"""What is exported: the network from pixels to logits and label map, by the functions of prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..functional.per_pixel import upsample
from ..functional.semantic_inference import semantic_labels, semantic_scores
from ..models import MaskFormer
from ..models.decode_heads.per_pixel_head import PerPixelHead
from ..structures import MaskPrediction

LABEL_MAP = 'label_map'


class ExportedModel(nn.Module):
    """A segmentor from 8-bit RGB to the outputs of an exported model.

    Normalization and padding are inside, resizing is not. See `outputs_of` for what it returns.

    Args:
        model: The segmentor, in evaluation mode.
        with_labels: Whether the label map is an output.

    Raises:
        ValueError: The model cannot be exported.

    Example:
        >>> graph = ExportedModel(load_model('r50_ade20k', None).model, with_labels=True)
        >>> [output.shape for output in graph(torch.zeros(1, 64, 96, 3, dtype=torch.uint8))]
        [torch.Size([1, 64, 96]), torch.Size([1, 100, 151]), torch.Size([1, 100, 16, 24])]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, with_labels: bool) -> None:
        super().__init__()
        check_model(model)
        self.model: Any = model
        self.with_labels = with_labels
        self.padding = Padding.of(model)
        self.is_bgr = not model.data_preprocessor._flips_channels  # type: ignore[union-attr]
        mean, std = (one_value(values) for values in statistics(model))
        self.register_buffer('mean', mean)
        self.register_buffer('std', std)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Outputs for ``(N, H, W, 3)`` uint8 RGB, in the order of `outputs_of`."""
        height, width = image.shape[1], image.shape[2]
        prediction = self.predict(self.prepare(image))
        if not self.with_labels:
            return prediction
        return self.label_map(prediction, height, width), *prediction

    def prepare(self, image: Tensor) -> Tensor:
        """Pixels -> ``(N, 3, H, W)``, normalized, padded to the right and at the bottom."""
        pixels = image.permute(0, 3, 1, 2).float()
        pixels = (pixels.flip(1) if self.is_bgr else pixels) - self.mean
        pixels = pixels / self.std
        height, width = pixels.shape[-2], pixels.shape[-1]
        padded = self.padding.padded(height, width)
        if self.padding == (1, None):
            return pixels
        return F.pad(pixels, (0, padded[1] - width, 0, padded[0] - height))

    def predict(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Logits of the last layer: of classes, masks and boxes, or of pixels."""
        features = self.model.extract_feat(inputs)
        head = self.model.decode_head
        if isinstance(head, PerPixelHead):
            return (head.predict_logits(features),)
        prediction = head.predict_masks(features)
        return tuple(output.float() for output in prediction)

    def label_map(self, prediction: tuple[Tensor, ...], height: int, width: int) -> Tensor:
        """``(N, H, W)`` int32: the class of the highest score, at the size of the image."""
        size = self.padding.padded(height, width)
        head = self.model.decode_head
        if isinstance(head, PerPixelHead):
            scores = upsample(prediction[0], size)
        else:
            stride = getattr(head, 'mask_stride', None)
            scores = semantic_scores(MaskPrediction(*prediction[:2]), size, stride)
        of_image = scores[:, :, :height, :width]
        return semantic_labels(of_image.transpose(0, 1), head.ignore_index)[0].int()


def outputs_of(model: nn.Module, with_labels: bool) -> list[str]:
    """Names of the outputs of `ExportedModel`."""
    head: Any = model.decode_head
    if isinstance(head, PerPixelHead):
        names = ['logits']
    else:
        names = ['class_logits', 'mask_logits']
        names += ['boxes'] if hasattr(head, 'bbox_embed') else []
    return [LABEL_MAP, *names] if with_labels else names


def check_model(model: nn.Module) -> None:
    """Refuse models that have another way from images to results.

    Raises:
        ValueError: Says what is not supported, and what is.
    """
    head = getattr(model, 'decode_head', None)
    if not isinstance(model, MaskFormer):
        raise ValueError(
            f'A {type(model).__name__} cannot be exported: set model.type to mmmaskformer.MaskFormer.'
        )
    if not isinstance(head, PerPixelHead) and not hasattr(head, 'predict_masks'):
        raise ValueError(
            f"{type(head).__name__} cannot be exported: the heads of this package can (MaskFormer's, the "
            "per-pixel baselines', Mask2Former's, EoMT's, MaX-DeepLab's, DETR's)."
        )
    if not getattr(head, 'predicts_masks', True):
        raise ValueError(
            f'{type(head).__name__} has with_masks=False and predicts boxes alone, which the runtime has no '
            'result for: export a model with masks.'
        )
    if (model.test_cfg or {}).get('mode') == 'slide':
        raise ValueError(
            "test_cfg.mode is 'slide', and a graph sees whole images: set mode='whole' "
            '(--cfg-options model.test_cfg.mode=whole).'
        )
    channels = statistics(model)[0].numel()
    if channels != 3:
        raise ValueError(
            f'The model takes {channels} channels, and exported models take RGB of 8 bits: train '
            'one on 3 channels.'
        )


def statistics(model: nn.Module) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation ``(3, 1, 1)`` of the model's channels; 0 and 1 where none are set."""
    preprocessor: Any = model.data_preprocessor
    if not preprocessor._enable_normalize:
        return torch.zeros(3, 1, 1), torch.ones(3, 1, 1)
    return preprocessor.mean.detach().clone().float(), preprocessor.std.detach().clone().float()


def one_value(values: Tensor) -> Tensor:
    """A value that all channels share as a scalar: runtimes that keep channels last are slow at three."""
    return values.flatten()[0] if (values == values.flatten()[0]).all() else values


class Padding(NamedTuple):
    """How images are padded, as the data preprocessor and the segmentor do it in prediction.

    Attributes:
        divisor: Sides are rounded up to a multiple of this.
        least: Height and width that smaller images are padded to; None for no such size.
    """

    divisor: int
    least: tuple[int, int] | None

    @classmethod
    def of(cls, model: nn.Module) -> Padding:
        """The padding of a model."""
        preprocessor: Any = model.data_preprocessor
        unpadded = getattr(model.decode_head, 'predicts_unpadded', False)
        if preprocessor.size_divisor:
            return cls(1 if unpadded else int(preprocessor.size_divisor), None)
        settings = preprocessor.test_cfg or dict(size=preprocessor.size)
        size = settings.get('size')
        return cls(int(settings.get('size_divisor') or 1), None if size is None else (size[0], size[1]))

    def padded(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of an image with padding."""
        if self.least is not None:
            return max(height, self.least[0]), max(width, self.least[1])
        return self._round_up(height), self._round_up(width)

    def _round_up(self, side: int) -> int:
        return (side + self.divisor - 1) // self.divisor * self.divisor


def example_images(batch: int, size: Sequence[int]) -> Tensor:
    """Pixels ``(N, H, W, 3)`` uint8 that a graph is recorded with and compared on."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(batch, 3, 6, 8, generator=generator) * 255
    smooth = F.interpolate(coarse, size=tuple(size), mode='bicubic')
    noise = torch.randn(smooth.shape, generator=generator) * 8
    return (smooth + noise).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()
