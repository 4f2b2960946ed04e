"""From one image's prediction to the results that ``test_cfg`` asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from ..functional.label_map_by_bands import semantic_label_map
from ..functional.postprocess import (
    Instances,
    PanopticSegments,
    instance_pairs,
    instances,
    panoptic_queries,
    panoptic_segments,
)
from ..functional.resizing import OutputSize
from ..functional.semantic_inference import general_semantic_labels, image_scores, semantic_labels
from ..structures import MaskPrediction

TEST_SETTINGS = (
    'mode',
    'crop_size',
    'stride',
    'semantic',
    'general',
    'seg_logits',
    'panoptic',
    'instance',
    'postprocess',
)


class MaskInference(NamedTuple):
    """How a head's predictions become segments and objects: MaskFormer's functions, or the head's own.

    Attributes:
        panoptic_segments: As `functional.postprocess.panoptic_segments`.
        instances: As `functional.postprocess.instances`.
        instance_queries: Scores, queries and classes of the objects, by class logits alone.
    """

    panoptic_segments: Callable[..., PanopticSegments] = panoptic_segments
    instances: Callable[..., Instances] = instances
    instance_queries: Callable[..., tuple[Tensor, Tensor, Tensor]] = instance_pairs

    @classmethod
    def of(cls, head: nn.Module) -> MaskInference:
        """The functions of a head."""
        own = {name: getattr(head, name) for name in cls._fields if hasattr(head, name)}
        return cls()._replace(**own)


MASKFORMER = MaskInference()


def check_test_cfg(cfg: dict, head: nn.Module) -> None:
    """Refuse settings that are not known or do not go together, or not with the head.

    Raises:
        ValueError: Names the setting.
    """
    unknown = sorted(set(cfg) - set(TEST_SETTINGS))
    if unknown:
        raise ValueError(f'test_cfg has an unknown setting {unknown[0]!r}: known are {TEST_SETTINGS}')
    inference = MaskInference.of(head)
    for name, function in (
        ('panoptic', inference.panoptic_segments),
        ('instance', inference.instances),
        ('general', general_semantic_labels),
    ):
        _check_settings(cfg.get(name), name, function)
    if cfg.get('postprocess', 'after') not in ('after', 'before'):
        raise ValueError(
            f"test_cfg.postprocess is {cfg['postprocess']!r}: set it to 'after' or 'before' combining"
        )
    if cfg.get('semantic', True) not in (True, False, None, 'general'):
        raise ValueError(f"test_cfg.semantic is {cfg['semantic']!r}: set it to True, False or 'general'")
    if not getattr(head, 'predicts_masks', True):
        _check_boxes_alone(cfg, head)
    if not asks_for_masks(cfg):
        return
    mask_results = "panoptic or instance results, postprocess='before' and semantic='general'"
    if cfg.get('mode') == 'slide':
        raise ValueError(
            f"test_cfg.mode='slide' gives semantic scores alone: for {mask_results}, set mode='whole'"
        )
    if not hasattr(head, 'predict_each'):
        raise ValueError(f'{type(head).__name__} predicts no masks: leave {mask_results} out of test_cfg')


def _check_boxes_alone(cfg: dict, head: nn.Module) -> None:
    """Refuse results that need masks."""
    wanted = [name for name in ('panoptic', 'general', 'postprocess') if cfg.get(name) is not None]
    wanted += ['semantic'] if cfg.get('semantic', True) else []
    if wanted or cfg.get('instance') is None:
        raise ValueError(
            f'{type(head).__name__} has with_masks=False and predicts boxes alone: set semantic=False and '
            f'instance=dict() in test_cfg, and no other results (there is {wanted or "no instance"})'
        )


def _check_settings(settings: Any, name: str, function: Callable) -> None:
    """Compare the settings of a kind of result with the thresholds of the function that makes it."""
    parameters = inspect.signature(function).parameters.values()
    known = sorted(p.name for p in parameters if p.default is not p.empty and p.name != 'void')
    if settings is None or any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    if not isinstance(settings, dict):
        raise ValueError(
            f'test_cfg.{name} is {settings!r}: set it to a dict with any of {known}, or to dict()'
        )
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ValueError(f'test_cfg.{name} has an unknown setting {unknown[0]!r}: known are {known}')


def asks_for_masks(cfg: dict) -> bool:
    """Whether ``test_cfg`` asks for results that mmseg does not compute from semantic scores."""
    general = cfg.get('semantic') == 'general'
    segments = cfg.get('panoptic') is not None or cfg.get('instance') is not None
    return segments or general or cfg.get('postprocess') == 'before'


def wanted_queries(
    class_logits: Tensor, cfg: dict, is_thing: Sequence[bool], inference: MaskInference = MASKFORMER
) -> Tensor:
    """Indices of the ``(Q, K + 1)`` queries that the results depend on; no other masks are needed."""
    wanted = torch.zeros(len(class_logits), dtype=torch.bool, device=class_logits.device)
    if cfg.get('semantic', True):
        wanted[:] = True
    if cfg.get('panoptic') is not None:
        score_thr = cfg['panoptic'].get('score_thr', 0.8)
        wanted.index_fill_(0, panoptic_queries(class_logits, len(is_thing), score_thr), True)
    if cfg.get('instance') is not None:
        found = inference.instance_queries(class_logits, is_thing, **cfg['instance'])
        wanted.index_fill_(0, found[1], True)
    return torch.where(wanted)[0]


def image_results(
    prediction: MaskPrediction,
    size: OutputSize,
    cfg: dict,
    is_thing: Sequence[bool],
    void: int = 255,
    inference: MaskInference = MASKFORMER,
) -> dict[str, Any]:
    """All results of one image, by the names they have in a `SegDataSample`.

    Args:
        prediction: Of the image, of all queries or of those that are wanted.
        size: Sizes of input, image and output.
        cfg: The model's ``test_cfg``.
        is_thing: Whether each of the K classes is a thing.
        void: Label of pixels without a class.
        inference: Functions for segments and objects.
    """
    results: dict[str, Any] = {}
    if cfg.get('semantic', True):
        results.update(_semantic_results(prediction, size, cfg, void))
    if cfg.get('panoptic') is not None:
        found = inference.panoptic_segments(prediction, size, is_thing, **cfg['panoptic'])
        results['pred_panoptic_seg'] = PixelData(data=found.ids[None])
        results['pred_segments_info'] = found.segments_info
    if cfg.get('instance') is not None:
        objects = inference.instances(prediction, size, is_thing, **cfg['instance'])
        results['pred_instances'] = InstanceData(**objects._asdict())
    return results


def _semantic_results(prediction: MaskPrediction, size: OutputSize, cfg: dict, void: int) -> dict:
    before, general = cfg.get('postprocess') == 'before', cfg.get('semantic') == 'general'
    results = {}
    if general:
        labels = general_semantic_labels(prediction, size, void=void, **cfg.get('general', {}))
    elif not cfg.get('seg_logits', True):
        labels = semantic_label_map(prediction, size, before, void)
    if cfg.get('seg_logits', True):
        scores = image_scores(prediction, size, before)
        results['seg_logits'] = PixelData(data=scores)
        labels = labels if general else semantic_labels(scores, void)
    return dict(pred_sem_seg=PixelData(data=labels), **results)
