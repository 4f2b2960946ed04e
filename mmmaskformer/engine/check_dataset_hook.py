"""Compare the classes of the data with those of the model before training starts."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from mmmaskformer.datasets.dataset_wrappers import flatten_dataset
from mmmaskformer.datasets.pipelines import check_channels, check_pipelines
from mmmaskformer.functional.targets import check_labels
from mmmaskformer.models.decode_heads.base import named_label_errors
from mmmaskformer.registry import HOOKS

from .class_weights_from_data import resolve_class_weights
from .label_checks import agree_on_ignored_label, warn_of_one_class
from .runner_components import heads_of, metrics_of, samples_of, segmentor_of


@HOOKS.register_module()
class CheckDatasetHook(Hook):
    """Refuses to train, validate or test a model with other classes than its data set has.

    ``model.dataset_meta`` is set to the data set's ``metainfo``, whose ``thing_classes`` panoptic inference
    needs. It works with any runner, MMSegmentation's own ``tools/train.py`` included.

    Class weights given by name or computed from the training data are set as well.

    The ignored label of the head becomes that of the data preprocessor and the metrics; transforms that name
    another one are refused.

    In evaluation it also checks the label maps of every batch: mmseg's `IoUMetric` silently drops unknown
    labels. In training the heads check them.

    Raises:
        ValueError: ``num_classes`` of a head differs from the number of classes of a data set, or two data
            sets disagree about a class; or a transform, another head or a metric names another ignored label
            than the head; or a label map to evaluate with has a label that is neither a class
            nor ignored, or another size than its image.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Check the training data, and the validation data with them."""
        validates = runner.val_loop is not None
        self._check(runner, 'train_dataloader', *['val_dataloader'][:validates])
        if validates:
            _check_metrics(runner.val_loop, runner.val_dataloader.dataset)
        dataset = runner.train_dataloader.dataset
        names = (getattr(dataset, 'metainfo', None) or {}).get('classes')
        if names is not None:
            resolve_class_weights(runner.model, dataset, names)
            warn_of_one_class(len(names), metrics_of(runner.val_loop))

    def before_val(self, runner: Runner) -> None:
        """Check the validation data."""
        self._check(runner, 'val_dataloader')

    def before_test(self, runner: Runner) -> None:
        """Check the test data."""
        self._check(runner, 'test_dataloader')
        _check_metrics(getattr(runner, 'test_loop', None), runner.test_dataloader.dataset)
        for _, head in [*heads_of(runner.model)][:1]:
            warn_of_one_class(head.num_classes, metrics_of(getattr(runner, 'test_loop', None)))

    def before_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Check the label maps of a batch."""
        _check_ground_truth(runner.model, data_batch)

    before_test_iter = before_val_iter

    def _check(self, runner: Runner, *dataloaders: str) -> None:
        agreed: dict[str, Any] = {}
        name = ''
        for dataloader in dataloaders:
            check_pipelines(getattr(runner, dataloader).dataset)
            check_channels(getattr(runner, dataloader).dataset)
            for dataset in flatten_dataset(getattr(runner, dataloader).dataset):
                here = f'{type(dataset).__name__} of {dataloader}'
                metainfo = getattr(dataset, 'metainfo', {})
                _check_numbers(runner.model, metainfo.get('classes'), here)
                _check_agreement(agreed, metainfo, name, here)
                name = name or here
                agreed = {**metainfo, **agreed}
        if agreed.get('classes') is not None:
            _set_dataset_meta(segmentor_of(runner.model), agreed)
        self._check_ignored_label(runner, dataloaders)

    @staticmethod
    def _check_ignored_label(runner: Runner, dataloaders: Sequence[str]) -> None:
        metrics = {
            f'{phase}_evaluator': metrics_of(getattr(runner, f'{phase}_loop', None))
            for phase in ('val', 'test')
            if f'{phase}_dataloader' in dataloaders
        }
        loaders = {name: getattr(runner, name) for name in dataloaders}
        preprocessor = getattr(segmentor_of(runner.model), 'data_preprocessor', None)
        agree_on_ignored_label(list(heads_of(runner.model)), preprocessor, loaders, metrics)


def _check_metrics(loop: Any, dataset: object) -> None:
    """Let metrics that read annotation files compare them with the data."""
    for metric in metrics_of(loop):
        if hasattr(metric, 'check_data'):
            metric.check_data(list(flatten_dataset(dataset)))


def _check_ground_truth(model: Any, batch: Any) -> None:
    head = next((head for _, head in heads_of(model)), None)
    for sample in samples_of(batch):
        for field in ('gt_sem_seg', 'gt_panoptic_seg'):
            if field in sample:
                _check_shape(sample, field)
        if head is not None and 'gt_sem_seg' in sample:
            with named_label_errors(sample):
                ignored = getattr(head, 'ignore_index', 255)
                check_labels(sample.gt_sem_seg.data, head.num_classes, ignored)


def _check_shape(sample: SegDataSample, field: str) -> None:
    """Predictions have the size of the image file."""
    actual, expected = sample.get(field).data.shape[-2:], sample.metainfo.get('ori_shape')
    if expected is not None and tuple(actual) != tuple(expected[:2]):
        path = sample.metainfo.get('seg_map_path') or sample.metainfo.get('img_path')
        raise ValueError(
            f'{path}: the ground truth ({field}) is {actual[1]}x{actual[0]} pixels, but its image '
            f'{expected[1]}x{expected[0]}: correct the pair, or load the ground truth after resizing in the '
            'test pipeline.'
        )


def _check_numbers(model: Any, classes: Any, here: str) -> None:
    for name, head in heads_of(model):
        if classes is not None and head.num_classes != len(classes):
            raise ValueError(
                f'model.{name}.num_classes is {head.num_classes}, but {here} has {len(classes)} classes: set '
                f'model.{name}.num_classes={len(classes)}, or correct the classes of the data (categories of '
                "COCO's files, classes in the metainfo of others)."
            )


def _check_agreement(first: Mapping, second: Mapping, there: str, here: str) -> None:
    """Compare names and order of the classes, and which of them are things, where both are known."""
    if first.get('classes') is None or second.get('classes') is None:
        return
    for index, (name, other_name) in enumerate(zip(first['classes'], second['classes'])):
        if name != other_name:
            raise ValueError(
                f'class {index} is {name!r} in {there}, but {other_name!r} in {here}: give both the same '
                'classes in the same order.'
            )
    if 'thing_classes' in first and 'thing_classes' in second:
        disputed = set(first['thing_classes']) ^ set(second['thing_classes'])
        if disputed:
            raise ValueError(
                f'the class {min(disputed)!r} is a thing in only one of {there} and {here}: give both '
                'the same categories.'
            )


def _set_dataset_meta(segmentor: Any, metainfo: dict) -> None:
    """Set ``dataset_meta``; entries for the same classes that the data do not have are kept."""
    previous = getattr(segmentor, 'dataset_meta', None) or {}
    if tuple(previous.get('classes') or ()) != tuple(metainfo['classes']):
        previous = {}
    segmentor.dataset_meta = {**previous, **metainfo}
