"""What heads that predict a set of classes and masks share: ground truth as segments, semantic scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from mmseg.structures import SegDataSample
from torch import Tensor

from ...functional.host_steps import Steps, together
from ...functional.semantic_inference import add_rest, semantic_scores
from ...functional.targets import id_map_to_segments, label_map_to_segments
from ...structures import MaskPrediction, Segments
from .base import SegmentationHead, input_size, named_label_errors


class MaskClassificationHead(SegmentationHead):
    """Base of the heads whose queries predict a class and a mask each.

    Args:
        num_classes: Number of classes, no-object not counted.
        ignore_index: Label of pixels that belong to no class.
        loss_on_valid_pixels: Leave ignored and padded pixels out of matching and losses.
        allow_class_mismatch: See `SegmentationHead`.
        init_cfg: MMEngine initialization.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_index: int = 255,
        loss_on_valid_pixels: bool = False,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(num_classes, ignore_index, allow_class_mismatch, init_cfg)
        self.loss_on_valid_pixels = loss_on_valid_pixels

    @abstractmethod
    def predict_masks(self, features: Sequence[Tensor]) -> MaskPrediction:
        """Prediction of the last decoder layer for a batch."""

    def predict(
        self, features: Sequence[Tensor], batch_img_metas: Sequence[dict], test_cfg: dict | None
    ) -> Tensor:
        """Semantic scores ``(B, K, H, W)`` of the last layer, at the size of the network's input.

        A single class has a second channel, one minus its score: the best of both is right wherever mmseg
        takes the label of the highest score, with label 1 for "not found".
        """
        scores = semantic_scores(self.predict_masks(features), input_size(batch_img_metas[0], test_cfg))
        return add_rest(scores)

    def _make_targets(self, data_samples: Sequence[SegDataSample]) -> list[Segments]:
        """The ground truth of each image; a GPU is waited for once."""
        return together([self._segment_steps(sample) for sample in data_samples])

    def _segments(self, sample: SegDataSample) -> Segments:
        """The ground truth of one image."""
        return self._make_targets([sample])[0]

    def _segment_steps(self, sample: SegDataSample) -> Steps[Segments]:
        """From the segments of an image if it has them, else from its label map."""
        if 'gt_panoptic_seg' not in sample and 'gt_sem_seg' not in sample:
            raise ValueError(
                f'{sample.metainfo.get("img_path", "a sample")} has neither gt_panoptic_seg nor gt_sem_seg: '
                'give the data set the path of its annotations, and load them in the training pipeline'
            )
        mark = dict(mark_valid=self.loss_on_valid_pixels)
        with named_label_errors(sample):
            if 'gt_panoptic_seg' in sample:
                ids, info = sample.gt_panoptic_seg.data, sample.gt_segments_info
                return (yield from id_map_to_segments.steps(ids, info, self.num_classes, **mark))
            labels = sample.gt_sem_seg.data.squeeze(0)
            return (
                yield from label_map_to_segments.steps(labels, self.num_classes, self.ignore_index, **mark)
            )
