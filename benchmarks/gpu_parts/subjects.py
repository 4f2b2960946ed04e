"""The models that are measured, with one interface: a loss of a batch, a prediction, and the parts inside."""

from __future__ import annotations

import copy
import importlib.util
from typing import Any, Protocol

import torch
from peers import PANOPTIC_THINGS, build_panoptic, build_semantic
from speed_prediction import confident_prediction
from torch import Tensor, nn

from mmmaskformer.functional.resizing import OutputSize

from .cases import Case, batches
from .timeline import Timeline

CONFIDENT_QUERIES = 20


class Subject(Protocol):
    """A model with a batch."""

    model: nn.Module
    batch: dict
    note: str

    def loss(self) -> Tensor:
        """Loss of the batch, from raw images on the host."""

    def predict(self) -> object:
        """Results of the batch's images at their original sizes, from raw images on the host."""

    def parts_to_compile(self) -> list[nn.Module]:
        """Backbone and decoders."""

    def watch(self, timeline: Timeline) -> None:
        """Name the parts of the loss."""

    def be_confident(self, class_logits: Tensor) -> None:
        """Let every image have these class logits ``(Q, K + 1)`` in place of the random network's."""


class OpenMMLabSubject:
    """Our model, mmseg's, or mmdet's."""

    note = ''

    def __init__(self, model: Any, batch: dict, head: str):
        self.model, self.batch = model, batch
        self.head = getattr(model, head)

    def loss(self) -> Tensor:
        data = self.model.data_preprocessor(dict(self.batch), training=True)
        total, _ = self.model.parse_losses(self.model.loss(data['inputs'], data['data_samples']))
        return total

    def predict(self) -> object:
        samples = [_without_ground_truth(sample) for sample in self.batch['data_samples']]
        return self.model.test_step(dict(inputs=self.batch['inputs'], data_samples=samples))

    def parts_to_compile(self) -> list[nn.Module]:
        return [self.model.backbone, self.head.pixel_decoder, self.head.transformer_decoder]

    def watch(self, timeline: Timeline) -> None:
        timeline.watch(self.model.data_preprocessor, None, 'preprocessing')
        timeline.watch(self.model.backbone, None, 'backbone')
        timeline.watch(self.head, 'loss', 'decoders')
        if hasattr(self.head, 'criterion'):  # ours
            timeline.watch(self.head.criterion, None, 'losses')
            timeline.watch(self.head.criterion, 'assigner', 'matching')
        else:
            timeline.watch(self.head, 'loss_by_feat', 'losses')
            timeline.watch(self.head, 'get_targets', 'matching')

    def be_confident(self, class_logits: Tensor) -> None:
        name = 'class_embed' if hasattr(self.head, 'class_embed') else 'cls_embed'
        setattr(self.head, name, FixedClasses(class_logits))


class FixedClasses(nn.Module):
    """Gives the same class logits whatever the queries."""

    def __init__(self, class_logits: Tensor):
        super().__init__()
        self.register_buffer('class_logits', class_logits, persistent=False)

    def forward(self, queries: Tensor) -> Tensor:
        return self.class_logits.expand(*queries.shape[:-1], -1)


def names(case: Case) -> list[str]:
    """Who can do the task, ours first."""
    return ['ours', 'mmseg' if case.task == 'semantic' else 'mmdet', 'huggingface']


def build(name: str, case: Case, device: str) -> Subject:
    """A subject on the device.

    Raises:
        ModuleNotFoundError: HuggingFace is asked for, and transformers is not installed.
    """
    subject = _huggingface(case) if name == 'huggingface' else _openmmlab(name, case)
    subject.model.to(device)
    return subject


def confident_classes(case: Case, device: str) -> Tensor:
    """Class logits ``(100, 134)`` of which 20 are sure: as many segments as a photo has."""
    shape = case.height, case.width
    return confident_prediction(CONFIDENT_QUERIES, OutputSize(shape, shape, shape), torch.device(device))[0]


def _huggingface(case: Case) -> Subject:
    if importlib.util.find_spec('transformers') is None:
        raise ModuleNotFoundError('transformers is not installed', name='transformers')
    from .huggingface import HuggingFaceSubject

    return HuggingFaceSubject(case, batches(case)[0])


def _openmmlab(name: str, case: Case) -> OpenMMLabSubject:
    is_ours = name == 'ours'
    build_model = build_semantic if case.task == 'semantic' else build_panoptic
    model: Any = build_model(name, case.backbone, tiny=case.tiny)
    if is_ours and case.task == 'panoptic':
        labels = [str(i) for i in range(model.num_classes)]
        model.dataset_meta = dict(classes=labels, thing_classes=labels[:PANOPTIC_THINGS])
    batch = batches(case)[0 if is_ours else 1]
    head = 'panoptic_head' if name == 'mmdet' else 'decode_head'
    subject = OpenMMLabSubject(model, batch, head)
    if not is_ours and importlib.util.find_spec('mmcv._ext') is None:
        subject.note = 'focal loss in PyTorch: mmcv-lite has no CUDA operator'
    return subject


def _without_ground_truth(sample: Any) -> Any:
    return type(sample)(metainfo=copy.deepcopy(sample.metainfo))
