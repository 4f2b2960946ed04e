"""The segmentor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import Tensor

from ..checkpoints import accept_foreign_checkpoints
from ..checkpoints.fit_to_model import stem_of
from ..functional.resizing import OutputSize
from ..functional.semantic_inference import add_rest, semantic_labels
from ..registry import MODELS
from .compilation import compile_parts
from .data_preprocessor import expect_channels, pad_with_ignored_label, take_statistics
from .decode_heads.base import SegmentationHead
from .image_results import MaskInference, asks_for_masks, batch_results, check_test_cfg, wanted_queries
from .layers.checkpointing import turn_on_checkpointing
from .memory_format import prefers_channels_last, use_channels_last


@MODELS.register_module()
class MaskFormer(EncoderDecoder):
    """mmseg's `EncoderDecoder` that gives semantic, panoptic and instance results of one prediction.

    Predictions do not depend on what else is in the batch: padding would change an image's result through
    convolutions and norms, so in prediction each image is cropped back to its own padded size, and
    images of one size run together.

    ``test_cfg`` selects the results, in addition to mmseg's ``mode``:

    - ``semantic=True``: label map and scores; ``postprocess='before'`` resizes mask logits to the original
      image before they are combined (the official panoptic models), ``'after'`` (default) the scores.
      ``semantic='general'`` takes the label map from `functional.semantic_inference` in place of the best
      score, with the thresholds of ``general=dict(score_thr=0.0, overlap_thr=0.0)``; pixels without a
      class have the head's ``ignore_index``. Scores, and test-time augmentation, stay semantic.
    - ``seg_logits=True``: give scores beside the label map; without them it needs less time and memory.
    - ``panoptic=dict(score_thr=0.8, overlap_thr=0.8)``: see `functional.postprocess.panoptic_segments`;
      a head may have its own ``panoptic_segments`` with other thresholds (`MaXDeepLabHead`, `DETRHead`).
    - ``instance=dict(score_thr=0.0, max_per_image=100)``: see `functional.postprocess.instances`; a head may
      have its own ``instances`` (`DETRHead`).

    ``dict()`` stands for these defaults, None for not wanted.

    Which classes are things is known from ``dataset_meta``, which checkpoints carry and data sets give.
    Flipped images, those of test-time augmentation, have semantic results alone.

    Args:
        *args: As `EncoderDecoder`.
        with_cp: Gradient checkpointing of backbone, pixel decoder and transformer decoder: less memory, more
            time in training.
        channels_last: Memory format of convolutions and images; None chooses it on CPUs, for ResNets and
            Swin.
        compile: ``torch.compile`` of backbone, pixel decoder and transformer decoder; a dict has its options.
        **kwargs: As `EncoderDecoder`; unknown ones are errors.
    """

    dataset_meta: dict | None = None

    def __init__(
        self,
        *args: Any,
        with_cp: bool = False,
        channels_last: bool | None = None,
        compile: bool | dict = False,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        take_statistics(self.data_preprocessor, self.backbone)
        if with_cp:
            turn_on_checkpointing(self.backbone, self.decode_head)
        if prefers_channels_last(self.backbone) if channels_last is None else channels_last:
            use_channels_last(self)
        if compile is not False:
            compile_parts(self, {} if compile is True else compile)
        accept_foreign_checkpoints(self)
        self.out_channels: int = min(self.decode_head.out_channels, self.num_classes)  # of `encode_decode`
        self._follow_ignored_label()
        self._expect_channels()
        self._check_test_cfg()

    def loss(self, inputs: Tensor, data_samples: Sequence) -> dict:
        """Losses of the decode head; it makes its targets before the backbone is queued on a GPU.

        Args:
            inputs: ``(B, 3, H, W)`` padded images.
            data_samples: mmseg's `SegDataSample` of each image, with its ground truth.
        """
        if isinstance(self.decode_head, SegmentationHead):
            data_samples = self.decode_head.with_targets(data_samples)
        return super().loss(inputs, data_samples)

    def predict(self, inputs: Tensor, data_samples: Sequence | None = None) -> Sequence:
        """Predict at the original sizes.

        Args:
            inputs: ``(B, 3, H, W)`` padded images.
            data_samples: mmseg's `SegDataSample` of each image; None takes ``inputs`` as unpadded.

        Returns:
            The samples with, as ``test_cfg`` asks, ``pred_sem_seg`` ``(1, h, w)`` and ``seg_logits``
            ``(K, h, w)`` (semantic scores, which are probabilities already); ``pred_panoptic_seg``
            ``(1, h, w)`` int32 segment ids, 0 for none, and ``pred_segments_info``; ``pred_instances``
            with labels, scores, masks ``(N, h, w)`` and bboxes.

        Raises:
            ValueError: Panoptic results are asked for, and it is not known which classes are things.
        """
        if data_samples is None:
            data_samples = [_unpadded_sample(image) for image in inputs]
        for (height, width), members in self._group_by_size(inputs, data_samples).items():
            samples = [data_samples[i] for i in members]
            for sample in samples:
                sample.set_metainfo(_padding_info(sample, height, width))
            crop = _crops(inputs, members, height, width)
            flipped = any(sample.metainfo.get('flip') for sample in samples)  # test-time augmentation
            if self._takes_masks() and not flipped:
                self._predict_masks(crop, samples)
            else:
                self.postprocess_result(self._scores(crop, samples), samples)
        return data_samples

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Scores ``(B, K, H, W)`` at the size of the network's input, of the K classes alone."""
        return super().encode_decode(inputs, batch_img_metas)[:, : self.num_classes]

    def postprocess_result(self, seg_logits: Tensor, data_samples: Sequence | None = None) -> Sequence:
        """Scores at the network's size -> scores and label maps at the original size, as mmseg's.

        A single class has label 0, and pixels where it was not found the head's ``ignore_index``.
        """
        if seg_logits.shape[1] > 1 or not isinstance(self.decode_head, SegmentationHead):
            return super().postprocess_result(seg_logits, data_samples)
        samples = super().postprocess_result(add_rest(seg_logits), data_samples)
        for sample in samples:
            scores = sample.seg_logits.data[:1]
            labels = semantic_labels(scores, self.decode_head.ignore_index)
            sample.set_data(dict(seg_logits=PixelData(data=scores), pred_sem_seg=PixelData(data=labels)))
        return samples

    def _takes_masks(self) -> bool:
        """Whether results come from the masks of each image, not by mmseg's path from scores to labels."""
        cfg = self.test_cfg or {}
        labels_alone = not cfg.get('seg_logits', True) and cfg.get('mode') != 'slide'
        return asks_for_masks(cfg) or (labels_alone and hasattr(self.decode_head, 'predict_each'))

    def _predict_masks(self, inputs: Tensor, data_samples: Sequence) -> None:
        """Add the results that ``test_cfg`` asks for to the samples of one size."""
        cfg, (height, width) = self.test_cfg, inputs.shape[-2:]
        is_thing = self._is_thing(cfg.get('panoptic') is None)
        inference = MaskInference.of(self.decode_head)
        wanted = partial(wanted_queries, cfg=cfg, is_thing=is_thing, inference=inference)
        predictions = self.decode_head.predict_each(self.extract_feat(inputs), wanted)
        padded, stride = (height, width), getattr(self.decode_head, 'mask_stride', None)
        sizes = [OutputSize(padded, s.img_shape[:2], s.ori_shape[:2], stride) for s in data_samples]
        void = self.decode_head.ignore_index
        results = batch_results(predictions, sizes, cfg, is_thing, void, inference)
        for sample, of_image in zip(data_samples, results):
            sample.set_data(of_image)

    def _is_thing(self, or_all: bool) -> list[bool]:
        """Whether each class is a thing, by ``dataset_meta``; without it, all are if ``or_all`` is set."""
        meta = self.dataset_meta or {}
        classes, things = meta.get('classes'), meta.get('thing_classes')
        if classes is not None and things is not None and len(classes) == self.num_classes:
            return [name in set(things) for name in classes]
        if not or_all:
            raise ValueError(
                'panoptic results need to know which classes are things: train or test with a data set whose '
                f'metainfo has thing_classes and {self.num_classes} classes, or set model.dataset_meta = '
                'dict(classes=..., thing_classes=...)'
            )
        return [True] * self.num_classes

    def _scores(self, inputs: Tensor, data_samples: Sequence) -> Tensor:
        metas = [sample.metainfo for sample in data_samples]
        if self.test_cfg and self.test_cfg.get('mode') == 'slide':
            return self.slide_inference(inputs, metas)
        return self.whole_inference(inputs, metas)

    def _group_by_size(self, inputs: Tensor, data_samples: Sequence) -> dict[tuple[int, int], list[int]]:
        """Indices of the images of each padded size, that size being what each would have alone."""
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        divisor = getattr(self.data_preprocessor, 'size_divisor', None)
        if divisor and getattr(self.decode_head, 'predicts_unpadded', False):
            divisor = 1
        for i, sample in enumerate(data_samples):
            height, width = inputs.shape[-2:]
            if divisor and 'img_padding_size' in sample.metainfo:
                height, width = (-(-side // divisor) * divisor for side in sample.img_shape[:2])
            groups[height, width].append(i)
        return groups

    def _init_decode_head(self, decode_head: dict) -> None:
        """Build the head; ``in_channels=None`` are the channels of a backbone that knows them."""
        if decode_head.get('in_channels', ()) is None:
            if not hasattr(self.backbone, 'out_channels'):
                raise ValueError(
                    f'decode_head.in_channels is None, but {type(self.backbone).__name__} does not say the '
                    'channels of its feature maps: set in_channels to them, finest first'
                )
            decode_head = {**decode_head, 'in_channels': self.backbone.out_channels}
        super()._init_decode_head(decode_head)

    def _check_test_cfg(self) -> None:
        check_test_cfg(self.test_cfg or {}, self.decode_head)

    def _expect_channels(self) -> None:
        stem = stem_of(self.backbone)
        if stem is not None:
            expect_channels(self.data_preprocessor, stem[1].in_channels)

    def _follow_ignored_label(self) -> None:
        """Batches are padded with the label that the head ignores."""
        ignored = getattr(self.decode_head, 'ignore_index', None)
        if ignored is not None:
            pad_with_ignored_label(self.data_preprocessor, ignored)


def _crops(inputs: Tensor, members: Sequence[int], height: int, width: int) -> Tensor:
    """Some images of a batch, cropped; the batch itself where that is all of it."""
    if len(members) == len(inputs) and (height, width) == inputs.shape[-2:]:
        return inputs
    return torch.stack([inputs[i, :, :height, :width] for i in members])


def _unpadded_sample(image: Tensor) -> SegDataSample:
    shape = tuple(image.shape[-2:])
    return SegDataSample(metainfo=dict(img_shape=shape, ori_shape=shape))


def _padding_info(sample: SegDataSample, height: int, width: int) -> dict:
    image_height, image_width = sample.img_shape[:2]
    padding = (0, width - image_width, 0, height - image_height)
    return dict(pad_shape=(height, width), img_padding_size=padding)
