"""Test-time augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.structures import PixelData
from mmseg.models.segmentors.seg_tta import SegTTAModel
from mmseg.structures import SegDataSample

from ..functional.semantic_inference import semantic_labels
from ..registry import MODELS


@MODELS.register_module()
class MaskFormerTTAModel(SegTTAModel):
    """Average of the semantic scores over scales and flips, as they are, without another softmax.

    Paper, section 4.1 (multi-scale inference). All copies take the same path to their scores, whatever
    other results ``test_cfg`` asks for: panoptic and instance results are not averaged, since a query of one
    copy need not be the same segment in another.

    Args:
        *args: As mmseg's `SegTTAModel`.
        **kwargs: As mmseg's `SegTTAModel`.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        settings = self.module.test_cfg or {}
        kept = {key: settings[key] for key in ('mode', 'crop_size', 'stride') if key in settings}
        self.module.test_cfg = type(settings)(kept, seg_logits=True)  # what is averaged

    def merge_preds(self, data_samples_list: Sequence[Sequence]) -> list:
        """Merge the predictions of each image's augmented copies.

        Args:
            data_samples_list: For each image, the samples of all its copies, with ``seg_logits``.

        Returns:
            One sample for each image, with the mean ``seg_logits`` and its ``pred_sem_seg``.
        """
        return [self._merge(copies) for copies in data_samples_list]

    def _merge(self, copies: Sequence[SegDataSample]) -> SegDataSample:
        scores = sum(copy.seg_logits.data for copy in copies) / len(copies)
        labels = PixelData(data=semantic_labels(scores, self.module.decode_head.ignore_index))
        merged = copies[0]
        merged.set_data(dict(seg_logits=PixelData(data=scores), pred_sem_seg=labels))
        return merged
