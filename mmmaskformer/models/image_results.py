"""From the predictions of images to the results that ``test_cfg`` asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from ..functional.host_steps import Steps, steps_of, together
from ..functional.label_map_by_bands import semantic_label_map
from ..functional.postprocess import (
    InstancePairs,
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
        instance_queries: As `functional.postprocess.instance_pairs`.
    """

    panoptic_segments: Callable[..., PanopticSegments] = panoptic_segments
    instances: Callable[..., Instances] = instances
    instance_queries: Callable[..., InstancePairs] = instance_pairs

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
) -> Tensor | None:
    """Whether the results depend on each of ``(B, Q, K + 1)`` queries; no other masks are needed.

    Returns:
        ``(B, Q)`` bool; None if all are needed.
    """
    if cfg.get('semantic', True):
        return None
    wanted = torch.zeros_like(class_logits[..., 0], dtype=torch.bool)
    if cfg.get('panoptic') is not None:
        wanted |= panoptic_queries(class_logits, len(is_thing), cfg['panoptic'].get('score_thr', 0.8))
    if cfg.get('instance') is not None:
        pairs = inference.instance_queries(class_logits, is_thing, **cfg['instance'])
        wanted |= pairs.of_queries(class_logits.shape[-2])
    return wanted


def batch_results(
    predictions: Sequence[MaskPrediction],
    sizes: Sequence[OutputSize],
    cfg: dict,
    is_thing: Sequence[bool],
    void: int = 255,
    inference: MaskInference = MASKFORMER,
) -> list[dict[str, Any]]:
    """All results of each image, by the names they have in a `SegDataSample`.

    What the results of all images need on the host is fetched together: a GPU is waited for twice, whatever
    the number of images.

    Args:
        predictions: Of each image, of all queries or of those that are wanted.
        sizes: Sizes of input, image and output of each image.
        cfg: The model's ``test_cfg``.
        is_thing: Whether each of the K classes is a thing.
        void: Label of pixels without a class.
        inference: Functions for segments and objects.
    """
    settings = (cfg, is_thing, void, inference)
    steps = [_image_steps(prediction, size, *settings) for prediction, size in zip(predictions, sizes)]
    parts = iter(together([part for image in steps for part in image]))
    return [{name: value for _ in image for name, value in next(parts).items()} for image in steps]


def _image_steps(
    prediction: MaskPrediction,
    size: OutputSize,
    cfg: dict,
    is_thing: Sequence[bool],
    void: int,
    inference: MaskInference,
) -> list[Steps[dict[str, Any]]]:
    """The steps of each kind of result that is asked for."""
    steps = []
    if cfg.get('semantic', True):
        steps.append(_semantic_steps(prediction, size, cfg, void))
    if cfg.get('panoptic') is not None:
        steps.append(_panoptic_steps(prediction, size, cfg, is_thing, inference))
    if cfg.get('instance') is not None:
        steps.append(_instance_steps(prediction, size, cfg, is_thing, inference))
    return steps


def _panoptic_steps(
    prediction: MaskPrediction,
    size: OutputSize,
    cfg: dict,
    is_thing: Sequence[bool],
    inference: MaskInference,
) -> Steps[dict[str, Any]]:
    found = yield from steps_of(inference.panoptic_segments)(prediction, size, is_thing, **cfg['panoptic'])
    ids = PixelData(data=found.ids[None])
    return dict(pred_panoptic_seg=ids, pred_segments_info=found.segments_info)


def _instance_steps(
    prediction: MaskPrediction,
    size: OutputSize,
    cfg: dict,
    is_thing: Sequence[bool],
    inference: MaskInference,
) -> Steps[dict[str, Any]]:
    objects = yield from steps_of(inference.instances)(prediction, size, is_thing, **cfg['instance'])
    return dict(pred_instances=InstanceData(**objects._asdict()))


def _semantic_steps(
    prediction: MaskPrediction, size: OutputSize, cfg: dict, void: int
) -> Steps[dict[str, Any]]:
    before, general = cfg.get('postprocess') == 'before', cfg.get('semantic') == 'general'
    results = {}
    if general:
        settings = cfg.get('general', {})
        labels = yield from general_semantic_labels.steps(prediction, size, void=void, **settings)
    elif not cfg.get('seg_logits', True):
        labels = semantic_label_map(prediction, size, before, void)
    if cfg.get('seg_logits', True):
        scores = image_scores(prediction, size, before)
        results['seg_logits'] = PixelData(data=scores)
        labels = labels if general else semantic_labels(scores, void)
    return dict(pred_sem_seg=PixelData(data=labels), **results)
