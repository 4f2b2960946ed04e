"""The metadata of an exported model: what a caller must know that the graph does not say."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..functional.semantic_inference import general_semantic_labels
from ..inference.preparation import pipeline_of
from ..models.decode_heads.per_pixel_head import PerPixelHead
from ..models.image_results import MaskInference
from ..runtime.metadata import FORMAT_VERSION
from ..runtime.tasks import FUNCTIONS
from ..version import __version__
from ..visualization.colors import class_colors
from .graph import Padding, outputs_of, statistics

LICENSE = 'Apache-2.0'


def describe(
    model: nn.Module,
    config: Mapping[str, Any],
    meta: Mapping[str, Any],
    test_cfg: Mapping[str, Any],
    source: Mapping[str, Any],
) -> dict[str, Any]:
    """All of the metadata that does not depend on the format: see docs/export.md.

    Args:
        model: The segmentor.
        config: Its config, of which the test pipeline is read.
        meta: Metainfo of the classes.
        test_cfg: Results wanted, with their thresholds.
        source: Where the weights are from.

    Raises:
        ValueError: The pipeline, or a kind of result, cannot be exported.
    """
    head: Any = model.decode_head
    postprocess = postprocess_of(model, test_cfg)
    names, things = list(meta['classes']), meta.get('thing_classes')
    mean, std = (values.flatten().tolist() for values in statistics(model))
    if model.data_preprocessor._flips_channels is False:  # type: ignore[union-attr]
        mean, std = mean[::-1], std[::-1]
    return dict(
        format_version=FORMAT_VERSION,
        head=type(head).__name__,
        kind='per_pixel' if isinstance(head, PerPixelHead) else 'mask',
        tasks=list(postprocess),
        classes=names,
        colors=class_colors(names, meta.get('palette') or None).tolist(),
        things=None if things is None else [name in set(things) for name in names],
        category_ids=[int(number) for number in meta.get('category_ids') or range(len(names))],
        num_queries=num_queries(model),
        ignore_index=int(head.ignore_index),
        mask_stride=getattr(head, 'mask_stride', None),
        input=input_of(model, config, mean),
        mean=mean,
        std=std,
        outputs=outputs_of(model, with_labels(postprocess)),
        postprocess=postprocess,
        license=LICENSE,
        source=dict(source, mmmaskformer=__version__, torch=torch.__version__),
    )


def with_labels(postprocess: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the graph has the label map: that of the best scores."""
    return postprocess.get('semantic', {}).get('function') in ('scores', 'per_pixel')


def num_queries(model: nn.Module) -> int | None:
    """Number of queries, None for a head that classifies pixels."""
    head: Any = model.decode_head
    if isinstance(head, PerPixelHead):
        return None
    embedding = getattr(getattr(head, 'transformer_decoder', head), 'query_embed', None)
    if embedding is not None:
        return int(embedding.num_embeddings)
    return int(model.backbone.num_slots)  # type: ignore[union-attr, arg-type]


def postprocess_of(model: nn.Module, test_cfg: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The function of each kind of result, by the runtime's name, and all of its thresholds.

    Raises:
        ValueError: The runtime has no such function.
    """
    head: Any = model.decode_head
    inference = MaskInference.of(head)
    found: dict[str, dict[str, Any]] = {}
    if test_cfg.get('semantic', True):
        found['semantic'] = _semantic(head, test_cfg)
    for task, function in (('panoptic', inference.panoptic_segments), ('instance', inference.instances)):
        if test_cfg.get(task) is not None:
            found[task] = _entry(task, function, test_cfg[task], head)
    return found


def _semantic(head: Any, test_cfg: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(head, PerPixelHead):
        return dict(function='per_pixel')
    if test_cfg.get('semantic') == 'general':
        settings = {**_defaults(general_semantic_labels), **test_cfg.get('general', {})}
        settings.pop('void', None)
        return dict(function='general', **settings)
    return dict(function='scores', before=test_cfg.get('postprocess') == 'before')


def _entry(task: str, function: Any, settings: Mapping[str, Any], head: Any) -> dict[str, Any]:
    name, defaults = _plain(function).__name__, _defaults(function)
    known = FUNCTIONS[task]
    if name not in known:
        raise ValueError(
            f'The {task} result of {type(head).__name__} is computed by {name}, which the runtime does not '
            f'have ({", ".join(known)}): leave {task!r} out of --task.'
        )
    return dict(function=known[name], **{**defaults, **settings})


def _plain(function: Any) -> Any:
    return function.func if isinstance(function, partial) else function


def _defaults(function: Callable) -> dict[str, Any]:
    """Values of the thresholds that a function has by default, or by `functools.partial`."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.kind is not p.VAR_KEYWORD}


def input_of(model: nn.Module, config: Mapping[str, Any], mean: Sequence[float]) -> dict[str, Any]:
    """How an image becomes the graph's input.

    Raises:
        ValueError: The test pipeline has a transform that a caller cannot repeat.
    """
    padding = Padding.of(model)
    return dict(
        name='image',
        size=None,
        batch=None,
        size_divisor=padding.divisor,
        padded=None if padding.least is None else list(padding.least),
        min_size=[32, 32],
        resize=resize_rule(config),
        interpolation='bilinear',
        fill=[min(255, max(0, round(value))) for value in mean],
    )


def resize_rule(config: Mapping[str, Any]) -> dict[str, Any]:
    """The resizing of the config's test pipeline.

    Raises:
        ValueError: A transform, or one of its settings, is not supported.
    """
    rule: dict[str, Any] = dict(rule='none')
    for transform in pipeline_of(config):
        name = str(transform['type']).rsplit('.', 1)[-1]
        if name.startswith(('Load', 'Pack')):
            _check_loader(name, transform)
        elif name == 'Resize' and transform.get('scale') and rule['rule'] == 'none':
            _check_interpolation(transform)
            scale = [int(side) for side in transform['scale']]
            rule = dict(rule='within' if transform.get('keep_ratio') else 'exact', scale=scale)
        elif name == 'ResizeShortestEdge' and rule['rule'] == 'none':
            edge = transform['scale']
            short = edge if isinstance(edge, int) else min(edge)
            rule = dict(rule='shortest_edge', short=int(short), max=int(transform['max_size']))
        else:
            raise ValueError(
                f'{name} in the test pipeline cannot be exported (one Resize with a scale, or one '
                'ResizeShortestEdge, can): set test_pipeline to one without it.'
            )
    return rule


def _check_loader(name: str, transform: Mapping[str, Any]) -> None:
    kind = transform.get('color_type', 'color')
    if 'Image' in name and not str(kind).startswith('color'):
        raise ValueError(
            f'color_type of {name} is {kind!r}, and exported models take RGB of 8 bits: export a model '
            "that was trained with color_type='color'."
        )


def _check_interpolation(transform: Mapping[str, Any]) -> None:
    if transform.get('interpolation', 'bilinear') != 'bilinear':
        raise ValueError(
            f'Resize in the test pipeline has interpolation={transform["interpolation"]!r}, and the runtime '
            "resizes images bilinearly: set interpolation='bilinear'."
        )


def sha256_of(path: str | Path | None) -> str | None:
    """Checksum of a file; None if it does not exist."""
    if path is None or not Path(path).is_file():
        return None
    with Path(path).open('rb') as file:
        digest = hashlib.sha256()
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()
