"""The segmentor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.models.segmentors.seg_tta import SegTTAModel
from mmseg.structures import SegDataSample
from torch import Tensor

from ...registry import MODELS


@MODELS.register_module()
class MaskFormer(EncoderDecoder):
    """mmseg's `EncoderDecoder` whose predictions do not depend on what else is in the batch.

    Padding would change a picture's result through convolutions and norms, so in prediction each picture is
    cropped back to its own padded size, and pictures of one size run together.

    Args:
        *args: As `EncoderDecoder`.
        **kwargs: As `EncoderDecoder`; unknown ones are errors.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._check_label_padding()

    def predict(self, inputs: Tensor, data_samples: Sequence | None = None) -> Sequence:
        """Predict label maps at the original sizes.

        Args:
            inputs: ``(B, 3, H, W)`` padded pictures.
            data_samples: mmseg's `SegDataSample` of each picture; None takes ``inputs`` as unpadded.

        Returns:
            The samples with ``pred_sem_seg`` ``(1, h, w)`` and ``seg_logits`` ``(K, h, w)``: semantic scores,
            which are probabilities already.
        """
        if data_samples is None:
            return super().predict(inputs)
        for (height, width), members in self._group_by_size(inputs, data_samples).items():
            samples = [data_samples[i] for i in members]
            for sample in samples:
                sample.set_metainfo(_padding_info(sample, height, width))
            crop = inputs[members, :, :height, :width]
            self.postprocess_result(self._scores(crop, samples), samples)
        return data_samples

    def _scores(self, inputs: Tensor, data_samples: Sequence) -> Tensor:
        metas = [sample.metainfo for sample in data_samples]
        if self.test_cfg and self.test_cfg.get('mode') == 'slide':
            return self.slide_inference(inputs, metas)
        return self.whole_inference(inputs, metas)

    def _group_by_size(self, inputs: Tensor, data_samples: Sequence) -> dict[tuple[int, int], list[int]]:
        """Indices of the pictures of each padded size, that size being what each would have alone."""
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        divisor = getattr(self.data_preprocessor, 'size_divisor', None)
        for i, sample in enumerate(data_samples):
            height, width = inputs.shape[-2:]
            if divisor and 'img_padding_size' in sample.metainfo:
                height, width = (-(-side // divisor) * divisor for side in sample.img_shape[:2])
            groups[height, width].append(i)
        return groups

    def _check_label_padding(self) -> None:
        """Refuse a ``seg_pad_val`` that would be an unknown label in every padded batch."""
        value = getattr(self.data_preprocessor, 'seg_pad_val', None)
        ignored = getattr(self.decode_head, 'ignore_index', None)
        if value is None or ignored is None or value == ignored or 0 <= value < self.num_classes:
            return
        raise ValueError(
            f'data_preprocessor.seg_pad_val={value} is neither ignored nor one of the {self.num_classes} '
            f'classes: set it to decode_head.ignore_index, which is {ignored}'
        )


def _padding_info(sample: SegDataSample, height: int, width: int) -> dict:
    image_height, image_width = sample.img_shape[:2]
    padding = (0, width - image_width, 0, height - image_height)
    return dict(pad_shape=(height, width), img_padding_size=padding)


@MODELS.register_module()
class MaskFormerTTAModel(SegTTAModel):
    """Average of the semantic scores over scales and flips, as they are, without another softmax.

    Paper, section 4.1 (multi-scale inference).
    """

    def merge_preds(self, data_samples_list: Sequence[Sequence]) -> list:
        """Merge the predictions of each picture's augmented copies.

        Args:
            data_samples_list: For each picture, the samples of all its copies, with ``seg_logits``.

        Returns:
            One sample for each picture, with the mean ``seg_logits`` and its ``pred_sem_seg``.
        """
        return [self._merge(copies) for copies in data_samples_list]

    def _merge(self, copies: Sequence[SegDataSample]) -> SegDataSample:
        scores = sum(copy.seg_logits.data for copy in copies) / len(copies)
        labels = scores.argmax(0, keepdim=True) if len(scores) > 1 else (scores > 0.5).long()
        merged = copies[0]
        merged.set_data(dict(seg_logits=PixelData(data=scores), pred_sem_seg=PixelData(data=labels)))
        return merged
