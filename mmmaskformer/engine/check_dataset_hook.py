"""Compare the classes of the data with those of the model before any time is spent."""

from collections.abc import Iterable
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmmaskformer.registry import HOOKS


@HOOKS.register_module()
class CheckDatasetHook(Hook):
    """Refuses to train, validate or test a model with another number of classes than its data set has.

    It works with any runner, MMSegmentation's own ``tools/train.py`` included.

    Raises:
        ValueError: ``num_classes`` of a head differs from the number of classes of a data set.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Check the training data, and the validation data with them."""
        self._check(runner, 'train_dataloader')
        if runner.val_loop is not None:
            self._check(runner, 'val_dataloader')

    def before_val(self, runner: Runner) -> None:
        """Check the validation data."""
        self._check(runner, 'val_dataloader')

    def before_test(self, runner: Runner) -> None:
        """Check the test data."""
        self._check(runner, 'test_dataloader')

    def _check(self, runner: Runner, dataloader: str) -> None:
        for dataset in flatten_dataset(getattr(runner, dataloader).dataset):
            classes = getattr(dataset, 'metainfo', {}).get('classes')
            for name, head in _heads(runner.model):
                if classes is not None and head.num_classes != len(classes):
                    raise ValueError(
                        f'model.{name}.num_classes is {head.num_classes}, but {type(dataset).__name__} of '
                        f'{dataloader} has {len(classes)} classes: set '
                        f'model.{name}.num_classes={len(classes)}, or classes in the metainfo of the data.'
                    )


def flatten_dataset(dataset: object) -> Iterable:
    """The data sets inside MMEngine's wrappers: concatenated, repeated or class-balanced ones."""
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if inner == [None]:
        yield dataset
        return
    for child in inner:
        yield from flatten_dataset(child)


def _heads(model: Any) -> Iterable[tuple[str, Any]]:
    while not hasattr(model, 'decode_head') and hasattr(model, 'module'):  # DDP, test-time augmentation
        model = model.module
    for name in ('decode_head', 'auxiliary_head'):
        head = getattr(model, name, None)
        for part in head if isinstance(head, nn.ModuleList) else [head]:
            if hasattr(part, 'num_classes'):
                yield name, part
