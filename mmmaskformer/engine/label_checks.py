"""Checks that model, data and metrics have the same ignored label, that of the head."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from mmengine.logging import print_log
from mmseg.datasets.transforms import LoadAnnotations as MMSegLoadAnnotations
from mmseg.evaluation import IoUMetric

from mmmaskformer.datasets.dataset_wrappers import inner_datasets
from mmmaskformer.datasets.ignored_label import label_settings
from mmmaskformer.datasets.pipelines import flatten_transforms
from mmmaskformer.datasets.transforms import LoadAnnotations
from mmmaskformer.functional.targets import ignored_label
from mmmaskformer.models.data_preprocessor import pad_with_ignored_label

MMSEG_DEFAULT = 255


def agree_on_ignored_label(
    heads: list[tuple[str, Any]], preprocessor: Any, dataloaders: dict[str, Any], metrics: dict[str, Any]
) -> None:
    """Set the ignored label of preprocessor and metrics to that of the head; compare all other settings.

    Args:
        heads: Names and heads; the first one has the label.
        preprocessor: The model's data preprocessor.
        dataloaders: By the names of the settings.
        metrics: Lists of metrics, by the names of the settings.

    Raises:
        ValueError: A setting names another label, or a loader of label maps has too few bits. The sentence
            names all such settings.
    """
    named = [(name, head) for name, head in heads if getattr(head, 'ignore_index', None) is not None]
    if not named:
        return
    (name, head), *_ = named
    ignored = ignored_label(head.num_classes, head.ignore_index)
    settings = [(f'ignore_index of model.{other}', part.ignore_index) for other, part in named]
    for where, dataloader in dataloaders.items():
        _check_loaders(dataloader.dataset, where, head.num_classes)
        for pipeline in _pipelines(dataloader.dataset):
            settings += [(f'{setting} in {where}', setting.value) for setting in label_settings(pipeline)]
    for where, members in metrics.items():
        for metric in members:
            label = _follow(metric, ignored)
            if label >= head.num_classes:  # a metric may also ignore a class, or nothing
                settings.append((f'ignore_index of {type(metric).__name__} in {where}', label))
    wrong = [f'{label} in {setting}' for setting, label in dict(settings).items() if label != ignored]
    if wrong:
        raise ValueError(
            f'model.{name} ignores the label {ignored}, but the ignored label is {", ".join(wrong)}: set the '
            'same label in all of them and as ignore_index of the data sets, or remove the setting everywhere'
        )
    pad_with_ignored_label(preprocessor, ignored)


def warn_of_one_class(num_classes: int, metrics: list[Any]) -> None:
    """Warn that the IoU of a single class does not count unlabelled pixels."""
    blind = [metric for metric in metrics if isinstance(metric, IoUMetric) and metric.ignore_index >= 0]
    if num_classes == 1 and blind:
        print_log(
            f'There is one class, and {type(blind[0]).__name__} does not count unlabelled pixels: '
            'predicting the class everywhere gives an IoU of 100. To count it as false there, set '
            "type='mmmaskformer.ClassIoU' and void_as_background=True in the evaluator, or make the "
            'background a class of its own.',
            'current',
            logging.WARNING,
        )


def _follow(metric: Any, ignored: int) -> Any:
    """The label that a metric ignores, after the default became that of the head."""
    if getattr(metric, 'ignore_index', None) == MMSEG_DEFAULT:
        metric.ignore_index = ignored
    return getattr(metric, 'ignore_index', ignored)


def _pipelines(dataset: Any, outer: tuple = ()) -> Iterator[tuple]:
    """What each data set's samples go through: its own pipeline and those of the wrappers around it."""
    own = getattr(dataset, 'pipeline', None)
    passed = outer if own is None else (own, *outer)
    inner = inner_datasets(dataset)
    if not inner:
        yield passed
    for child in inner:
        yield from _pipelines(child, passed)


def _check_loaders(dataset: Any, where: str, num_classes: int) -> None:
    for pipeline in _pipelines(dataset):
        for transform in flatten_transforms(pipeline):
            of_mmseg = isinstance(transform, MMSegLoadAnnotations) and not isinstance(
                transform, LoadAnnotations
            )
            if of_mmseg and num_classes > 255:
                raise ValueError(
                    f'{type(transform).__name__} in {where} reads label maps of 8 bits, but there are '
                    f"{num_classes} classes: set type='mmmaskformer.LoadAnnotations'"
                )
