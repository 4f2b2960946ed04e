"""From a graph's outputs to results, by the functions that the metadata names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from .detr import detr_instances, detr_segments
from .postprocess import Prediction, instances, panoptic_segments
from .resizing import OutputSize
from .results import SegmentationResult
from .semantic import general_labels, mask_labels, per_pixel_labels
from .slots import dual_path_segments, max_deeplab_segments

PANOPTIC: dict[str, Callable[..., Any]] = dict(
    maskformer=panoptic_segments,
    max_deeplab=max_deeplab_segments,
    dual_path=dual_path_segments,
    detr=detr_segments,
)
INSTANCE: dict[str, Callable[..., Any]] = dict(maskformer=instances, detr=detr_instances)
SEMANTIC: dict[str, Callable[..., Any]] = dict(scores=mask_labels, general=general_labels)
FUNCTIONS = dict(
    panoptic=dict(
        panoptic_segments='maskformer',
        max_deeplab_segments='max_deeplab',
        dual_path_segments='dual_path',
        detr_segments='detr',
    ),
    instance=dict(instances='maskformer', detr_instances='detr'),
)
"""The names in the metadata, of the functions of `mmmaskformer.functional` that these equal."""


def set_result(
    result: SegmentationResult,
    outputs: Mapping[str, NDArray[Any]],
    size: OutputSize,
    tasks: Sequence[str],
    metadata: Mapping[str, Any],
) -> None:
    """Set the results of one image.

    Args:
        result: Without predictions.
        outputs: Of the graph, for this image.
        size: Sizes of input, image and output.
        tasks: Results wanted.
        metadata: Of the exported model.
    """
    prediction = None
    if 'class_logits' in outputs:
        prediction = Prediction(outputs['class_logits'], outputs['mask_logits'], outputs.get('boxes'))
    things = metadata['things'] or [True] * len(metadata['classes'])
    if 'semantic' in tasks:
        result.set_semantic(_labels(prediction, outputs, size, metadata))
    if 'panoptic' in tasks:
        function, settings = _entry(PANOPTIC, metadata, 'panoptic')
        result.set_panoptic(*function(prediction, size, things, **settings))
    if 'instance' in tasks:
        function, settings = _entry(INSTANCE, metadata, 'instance')
        found = function(prediction, size, things, **settings)
        result.set_instances(zip(found.labels.tolist(), found.scores.tolist(), found.masks))


def _labels(
    prediction: Prediction | None,
    outputs: Mapping[str, NDArray[Any]],
    size: OutputSize,
    metadata: Mapping[str, Any],
) -> NDArray[Any]:
    if 'label_map' in outputs:
        height, width = size.image
        return outputs['label_map'][:height, :width]
    void = metadata['ignore_index']
    if prediction is None:
        return per_pixel_labels(outputs['logits'], size, void)
    function, settings = _entry(SEMANTIC, metadata, 'semantic')
    return function(prediction, size, void, **settings)


def _entry(
    functions: Mapping[str, Callable[..., Any]], metadata: Mapping[str, Any], task: str
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A function and its thresholds.

    Raises:
        ValueError: This version does not have the function.
    """
    settings = dict(metadata['postprocess'][task])
    name = settings.pop('function')
    if name not in functions:
        raise ValueError(
            f'The {task} result of this model needs the function {name!r}, which this version of the runtime '
            f'does not have ({", ".join(functions)}): install a newer one.'
        )
    return functions[name], settings
