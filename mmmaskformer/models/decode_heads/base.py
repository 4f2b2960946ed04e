"""Base of the decode heads: number of classes, checks of checkpoints and labels, mmseg's interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from mmengine.model import BaseModule
from mmseg.structures import SegDataSample

from ...functional.targets import UnknownLabelError, ignored_label

EVERY_LAYER = slice(None)
LAST_LAYER = slice(-1, None)


class _NoThreshold:
    """Raises where it is compared with scores; not where tracers look at the attributes of a head."""

    def __lt__(self, scores: object) -> bool:
        raise ValueError(
            "with num_classes=1, mmseg's test-time augmentation gives label 0 to the pixels that are not the "
            "class: set type='mmmaskformer.MaskFormerTTAModel' in tta_model"
        )


class SamplesWithTargets(list):
    """Training samples, and the targets that a head made of them before the backbone ran."""

    def __init__(self, data_samples: Sequence[SegDataSample], targets: Any):
        super().__init__(data_samples)
        self.targets = targets


class SegmentationHead(BaseModule):
    """A head for `MaskFormer` and for mmseg's `EncoderDecoder`.

    Args:
        num_classes: Number of classes, no-object not counted.
        ignore_index: Label of pixels that belong to no class; 255 (the default) stands for 65535 where there
            are more than 255 classes.
        allow_class_mismatch: Load checkpoints trained on other classes, all but what belongs to a class, and
            those of another number of queries, all but the queries.
        init_cfg: MMEngine initialization.
    """

    align_corners = False
    # Whether each image is predicted at its own size, without padding to the preprocessor's size_divisor.
    predicts_unpadded = False
    # Whether there are masks beside whatever else is predicted.
    predicts_masks = True
    # mmseg compares scores of one channel with it: label 1 is then the class, the reverse of label maps.
    threshold = _NoThreshold()
    # Parameters with a row for each class, and the number of their further rows.
    class_rows: ClassVar[dict[str, int]] = {}
    # Parameters with a row for each query.
    query_rows: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        num_classes: int,
        ignore_index: int = 255,
        allow_class_mismatch: bool = False,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        ignore_index = ignored_label(num_classes, ignore_index)
        if 0 <= ignore_index < num_classes:
            raise ValueError(
                f'ignore_index={ignore_index} is one of the {num_classes} classes: leave it out, and it is '
                f'{ignored_label(num_classes)}'
            )
        self.num_classes = num_classes
        # of `predict`: a single class gets a second channel, "not found"
        self.out_channels = max(2, num_classes)
        self.ignore_index = ignore_index
        self.allow_class_mismatch = allow_class_mismatch

    @torch.compiler.disable  # labels are read back, and the number of segments varies
    def targets(self, data_samples: Sequence[SegDataSample]) -> Any:
        """What `loss` compares predictions with, of a batch; those of `with_targets` where they were made.

        Raises:
            ValueError: The ground truth of a sample is missing or wrong.
        """
        if isinstance(data_samples, SamplesWithTargets):
            return data_samples.targets
        return self._make_targets(data_samples)

    def with_targets(self, data_samples: Sequence[SegDataSample]) -> Sequence[SegDataSample]:
        """The samples with their targets. A GPU is waited for: call it before the backbone is queued.

        Raises:
            ValueError: See `targets`.
        """
        return SamplesWithTargets(data_samples, self.targets(data_samples))

    def _make_targets(self, data_samples: Sequence[SegDataSample]) -> Any:
        raise NotImplementedError

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any, **kwargs: Any) -> None:
        """Raise for a checkpoint of other classes; MMEngine would load it in part and only warn."""
        rows = {f'{prefix}{name}': further_rows for name, further_rows in self.class_rows.items()}
        in_checkpoint = {len(state_dict[key]) - rows[key] for key in rows if key in state_dict}
        mismatches = in_checkpoint - {self.num_classes}
        if mismatches and not self.allow_class_mismatch:
            found = mismatches.pop()
            raise ValueError(
                f'the checkpoint was trained on {found} classes, this model has '
                f'num_classes={self.num_classes}: set num_classes={found}, or to learn other classes from '
                'these weights, set decode_head.allow_class_mismatch=True'
            )
        if mismatches:
            for key in rows:
                state_dict.pop(key, None)
        self._check_queries(state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def _check_queries(self, state_dict: dict, prefix: str) -> None:
        own = dict(self.named_parameters())
        for name in self.query_rows:
            found = state_dict.get(f'{prefix}{name}')
            if found is None or name not in own or len(found) == len(own[name]):
                continue
            if not self.allow_class_mismatch:
                raise ValueError(
                    f'the checkpoint has {len(found)} queries, this model num_queries={len(own[name])}: set '
                    f'num_queries={len(found)}, or to learn other queries from these weights, set '
                    'decode_head.allow_class_mismatch=True'
                )
            del state_dict[f'{prefix}{name}']


@contextmanager
def named_label_errors(sample: SegDataSample) -> Iterator[None]:
    """Add the file, and the setting that may be wrong, to errors of the ground truth."""
    try:
        yield
    except ValueError as error:
        source = sample.metainfo.get('seg_map_path') or sample.metainfo.get('img_path') or 'a label map'
        if isinstance(error, UnknownLabelError):
            hint = error.hint(sample.metainfo.get('reduce_zero_label'))
        else:
            hint = 'set num_classes to the number of classes, or check the categories of the data set'
        raise ValueError(f'{source}: {error}: {hint}.') from None


def input_size(img_meta: dict, test_cfg: dict | None) -> tuple[int, int]:
    """Size of the network's input: of the window in slide mode, else with padding where there is any."""
    slide = test_cfg is not None and test_cfg.get('mode') == 'slide'
    padded = None if slide else img_meta.get('pad_shape')
    height, width = (padded or img_meta['img_shape'])[:2]
    return int(height), int(width)
