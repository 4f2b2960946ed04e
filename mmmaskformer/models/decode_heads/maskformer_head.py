"""MaskFormer's decode head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from ...functional.postprocess import semantic_scores
from ...functional.targets import id_map_to_segments, label_map_to_segments
from ...registry import MODELS
from ...structures import MaskPrediction, Segments
from ..layers import MLP


@MODELS.register_module()
class MaskFormerHead(BaseModule):
    """Mask classification (Cheng et al., 2021), for `MaskFormer` and for mmseg's `EncoderDecoder`.

    Every default is the paper's; for another data set ``num_classes`` is all that changes.

    Args:
        in_channels: Channels of the backbone's four features, finest first.
        num_classes: Number of classes, no-object not counted.
        num_queries: Number of queries, at least the number of segments in any training image.
        pixel_decoder: Config of the pixel decoder.
        transformer_decoder: Config of the transformer decoder.
        criterion: Config of the criterion.
        ignore_index: Label of pixels that belong to no class.
        loss_on_valid_pixels: Leave ignored and padded pixels out of matching and losses. By default they
            are background of every segment, as in the official implementation.
        allow_class_mismatch: Load checkpoints trained on other classes, all but their classifier.
        init_cfg: MMEngine initialisation.
    """

    align_corners = False
    # mmseg turns one-class scores into masks by sigmoid(score) > threshold; our score is a probability.
    threshold = 1 / (1 + math.exp(-0.5))

    def __init__(
        self,
        in_channels: Sequence[int],
        num_classes: int,
        num_queries: int = 100,
        pixel_decoder: dict | None = None,
        transformer_decoder: dict | None = None,
        criterion: dict | None = None,
        ignore_index: int = 255,
        loss_on_valid_pixels: bool = False,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        if 0 <= ignore_index < num_classes:
            raise ValueError(
                f'ignore_index={ignore_index} is one of the {num_classes} classes: set it outside '
                f'[0, {num_classes - 1}], for example to 255'
            )
        self.num_classes = self.out_channels = num_classes
        self.ignore_index = ignore_index
        self.loss_on_valid_pixels = loss_on_valid_pixels
        self.allow_class_mismatch = allow_class_mismatch
        pixel_decoder = pixel_decoder or dict(type='mmmaskformer.FPNPixelDecoder')
        self.pixel_decoder = MODELS.build({**pixel_decoder, 'in_channels': in_channels})
        transformer_decoder = transformer_decoder or dict(type='mmmaskformer.MaskFormerTransformerDecoder')
        memory_channels = self.pixel_decoder.memory_channels
        self.transformer_decoder = MODELS.build(
            {**transformer_decoder, 'in_channels': memory_channels, 'num_queries': num_queries}
        )
        channels = self.transformer_decoder.channels
        self.class_embed = nn.Linear(channels, num_classes + 1)
        self.mask_embed = MLP(channels, channels, self.pixel_decoder.mask_channels, num_layers=3)
        self.criterion = MODELS.build(criterion or dict(type='mmmaskformer.MaskFormerCriterion'))

    def forward(self, features: Sequence[Tensor]) -> list[MaskPrediction]:
        """Predictions of every decoder layer, the last layer last (paper, figure 2)."""
        pixels = self.pixel_decoder(features)
        queries = self.transformer_decoder(pixels.memory)
        return self._classify_masks(queries, pixels.mask_features)

    def predict_masks(self, features: Sequence[Tensor]) -> MaskPrediction:
        """Prediction of the last decoder layer, without the cost of the others' masks."""
        pixels = self.pixel_decoder(features)
        queries = self.transformer_decoder(pixels.memory)
        return self._classify_masks(queries[-1:], pixels.mask_features)[0]

    def _classify_masks(self, queries: Tensor, mask_features: Tensor) -> list[MaskPrediction]:
        masks = torch.einsum('lbqc,bchw->lbqhw', self.mask_embed(queries), mask_features)
        return [MaskPrediction(*layer) for layer in zip(self.class_embed(queries), masks)]

    def loss(self, features: Sequence[Tensor], data_samples: Sequence, train_cfg: dict | None = None) -> dict:
        """Losses of all layers.

        Args:
            features: Backbone features, ``(B, C_i, h_i, w_i)``, finest first.
            data_samples: mmseg's `SegDataSample` at the padded input size, with ``gt_panoptic_seg``, segment
                ids ``(L, H, W)``, and ``gt_segments_info``; or with ``gt_sem_seg``, labels ``(1, H, W)``.
            train_cfg: Not used; mmseg passes it.

        Raises:
            ValueError: A label is out of range, or an image has more segments than there are queries.
        """
        segments = [self._segments(sample) for sample in data_samples]
        return self.criterion(self(features), segments)

    def predict(
        self, features: Sequence[Tensor], batch_img_metas: Sequence[dict], test_cfg: dict | None
    ) -> Tensor:
        """Semantic scores ``(B, K, H, W)`` of the last layer, at the size of the network's input."""
        return semantic_scores(self.predict_masks(features), _input_size(batch_img_metas[0], test_cfg))

    def _segments(self, sample: SegDataSample) -> Segments:
        """The truth of one image, from its segments if it has them, else from its label map."""
        mark = dict(mark_valid=self.loss_on_valid_pixels)
        try:
            if 'gt_panoptic_seg' in sample:
                ids, info = sample.gt_panoptic_seg.data, sample.gt_segments_info
                return id_map_to_segments(ids, info, self.num_classes, **mark)
            label_map = sample.gt_sem_seg.data.squeeze(0)
            return label_map_to_segments(label_map, self.num_classes, self.ignore_index, **mark)
        except ValueError as error:
            source = sample.metainfo.get('seg_map_path') or sample.metainfo.get('img_path') or 'a label map'
            hint = (
                'check the categories of the data set.'
                if 'gt_panoptic_seg' in sample
                else 'if 0 means "unlabelled" in the label maps, set reduce_zero_label=True in the data set.'
            )
            raise ValueError(
                f'{source}: {error}. Set num_classes to the number of classes, or, {hint}'
            ) from None

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any, **kwargs: Any) -> None:
        """Refuse a checkpoint of other classes, which MMEngine would load in part with a mere warning."""
        keys = [f'{prefix}class_embed.weight', f'{prefix}class_embed.bias']
        theirs = len(state_dict[keys[0]]) - 1 if keys[0] in state_dict else self.num_classes
        if theirs != self.num_classes and not self.allow_class_mismatch:
            raise ValueError(
                f'the checkpoint was trained on {theirs} classes, this model has '
                f'num_classes={self.num_classes}: set num_classes={theirs}, or to learn other classes from '
                'these weights, set decode_head.allow_class_mismatch=True'
            )
        if theirs != self.num_classes:
            for key in keys:
                state_dict.pop(key, None)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _input_size(img_meta: dict, test_cfg: dict | None) -> tuple[int, int]:
    """Size of the network's input: of the window in slide mode, else with padding where there is any."""
    slide = test_cfg is not None and test_cfg.get('mode') == 'slide'
    padded = None if slide else img_meta.get('pad_shape')
    height, width = (padded or img_meta['img_shape'])[:2]
    return int(height), int(width)
