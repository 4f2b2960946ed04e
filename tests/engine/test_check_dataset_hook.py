from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.structures import PixelData
from mmseg.datasets.transforms import RandomMosaic
from mmseg.structures import SegDataSample
from torch import nn

from mmmaskformer.datasets import LoadInstanceAnnotations, SegmentMosaic
from mmmaskformer.datasets.dataset_wrappers import flatten_dataset
from mmmaskformer.engine import CheckDatasetHook

EVENTS = {
    'before_train': 'train_dataloader',
    'before_val': 'val_dataloader',
    'before_test': 'test_dataloader',
}


class Frames(BaseDataset):
    """As many classes as asked for, and no data."""

    def __init__(self, num_classes):
        super().__init__(metainfo={'classes': tuple(map(str, range(num_classes)))}, lazy_init=True)

    def full_init(self):
        self._fully_initialized = True

    def __len__(self):
        return 1


def head(num_classes):
    module = nn.Module()
    module.num_classes = num_classes
    return module


def model(**heads):
    module = nn.Module()
    for name, value in heads.items():
        setattr(module, name, value)
    return module


def runner(model, train, val=None, test=None):
    loaders = {'train': train, 'val': val or train, 'test': test or train}
    loaders = {f'{phase}_dataloader': SimpleNamespace(dataset=data) for phase, data in loaders.items()}
    return SimpleNamespace(model=model, val_loop=object(), **loaders)


@pytest.mark.parametrize('event', EVENTS)
def test_same_number_of_classes_is_fine(event):
    getattr(CheckDatasetHook(), event)(runner(model(decode_head=head(5)), Frames(5)))


@pytest.mark.parametrize('event', EVENTS)
def test_sentence_says_what_to_set(event):
    message = (
        rf'model\.decode_head\.num_classes is 150, but Frames of {EVENTS[event]} has 5 classes: '
        r'set model\.decode_head\.num_classes=5'
    )
    with pytest.raises(ValueError, match=message):
        getattr(CheckDatasetHook(), event)(runner(model(decode_head=head(150)), Frames(5)))


def test_pipelines_that_would_corrupt_segment_ids():
    frames = Frames(5)
    frames.pipeline.transforms = [LoadInstanceAnnotations()]
    mixed = SimpleNamespace(dataset=frames, pipeline=[RandomMosaic(prob=1.0)], metainfo=frames.metainfo)
    with pytest.raises(ValueError, match='RandomMosaic in the pipeline of SimpleNamespace mixes images'):
        CheckDatasetHook().before_train(runner(model(decode_head=head(5)), mixed))
    mixed.pipeline = [SegmentMosaic(prob=1.0)]
    CheckDatasetHook().before_train(runner(model(decode_head=head(5)), mixed))


def test_validation_data_are_checked_before_training():
    with pytest.raises(ValueError, match='val_dataloader has 6 classes'):
        CheckDatasetHook().before_train(runner(model(decode_head=head(5)), Frames(5), val=Frames(6)))


def test_training_without_validation():
    subject = runner(model(decode_head=head(5)), Frames(5), val=Frames(6))
    subject.val_loop = None
    CheckDatasetHook().before_train(subject)


@pytest.mark.parametrize('wrap', [lambda d: RepeatDataset(d, 2), lambda d: ConcatDataset([d, d])])
def test_wrapped_data_set(wrap):
    with pytest.raises(ValueError, match='Frames of train_dataloader has 5 classes'):
        CheckDatasetHook().before_train(runner(model(decode_head=head(4)), wrap(Frames(5))))


def test_every_part_of_wrapped_data_sets():
    parts = [Frames(1), Frames(2), Frames(3)]
    nested = SimpleNamespace(
        datasets=[RepeatDataset(parts[0], 2), ConcatDataset([parts[1], parts[1]]), parts[2]]
    )
    assert list(flatten_dataset(nested)) == [parts[0], parts[1], parts[1], parts[2]]


def test_wrapped_model_and_auxiliary_heads():
    inner = model(decode_head=head(5), auxiliary_head=nn.ModuleList([head(5), head(7)]))
    with pytest.raises(ValueError, match=r'model\.auxiliary_head\.num_classes is 7'):
        CheckDatasetHook().before_test(runner(model(module=inner), Frames(5)))


def test_data_without_classes_are_not_judged():
    CheckDatasetHook().before_train(runner(model(decode_head=head(5)), SimpleNamespace(metainfo={})))


def named(*classes, **metainfo):
    return SimpleNamespace(metainfo={'classes': classes, **metainfo})


@pytest.mark.parametrize('event', EVENTS)
def test_the_segmentor_learns_what_the_data_say(event):
    segmentor = model(decode_head=head(2))
    data = named('sky', 'car', thing_classes=('car',), category_ids=(3, 8))
    getattr(CheckDatasetHook(), event)(runner(model(module=segmentor), data))
    assert segmentor.dataset_meta == data.metainfo


def test_what_belongs_to_other_classes_is_forgotten():
    segmentor = model(decode_head=head(2))
    segmentor.dataset_meta = {'classes': ['a', 'b'], 'thing_classes': ('a',)}
    CheckDatasetHook().before_test(runner(segmentor, named('sky', 'car')))
    assert segmentor.dataset_meta == {'classes': ('sky', 'car')}


def test_semantic_validation_keeps_what_panoptic_training_said():
    segmentor = model(decode_head=head(2))
    panoptic = named('sky', 'car', thing_classes=('car',))
    subject = runner(segmentor, panoptic, val=named('sky', 'car'))
    CheckDatasetHook().before_train(subject)
    CheckDatasetHook().before_val(subject)
    assert segmentor.dataset_meta['thing_classes'] == ('car',)


@pytest.mark.parametrize(
    ('validation', 'message'),
    [
        (
            named('sky', 'tree'),
            "class 1 is 'car' in .* of train_dataloader, but 'tree' in .* of val_dataloader",
        ),
        (named('car', 'sky'), "class 0 is 'sky' in .* but 'car' in .* the same order"),
        (named('sky', 'car', thing_classes=('sky', 'car')), "the class 'sky' is a thing in only one of"),
    ],
)
def test_training_and_validation_disagree(validation, message):
    training = named('sky', 'car', thing_classes=('car',))
    with pytest.raises(ValueError, match=message):
        CheckDatasetHook().before_train(runner(model(decode_head=head(2)), training, val=validation))


def test_joined_data_sets_disagree():
    joined = SimpleNamespace(datasets=[named('sky', 'car'), named('car', 'sky')])
    with pytest.raises(ValueError, match="class 0 is 'sky'"):
        CheckDatasetHook().before_test(runner(model(decode_head=head(2)), joined))


@pytest.mark.parametrize('event', ['before_val_iter', 'before_test_iter'])
@pytest.mark.parametrize(
    ('labels', 'ori_shape', 'message'),
    [
        ([[0, 5, 255]], (1, 3), r'a\.png: label 5 is neither a class \(0 to 4, num_classes=5\)'),
        ([[0, 4, 255]], (2, 3), r'a\.png: the ground truth \(gt_sem_seg\) is 3x1 pixels, but its image 3x2'),
        ([[0, 4, 255]], (1, 3), None),
    ],
)
@pytest.mark.parametrize('nested', [False, True], ids=['plain', 'tta'])
def test_ground_truths_to_evaluate_with(event, labels, ori_shape, message, nested):
    """mmseg's IoUMetric would drop the label 5 without a word."""
    sample = SegDataSample(metainfo=dict(seg_map_path='a.png', ori_shape=ori_shape))
    sample.gt_sem_seg = PixelData(data=torch.tensor([labels]))
    batch = dict(data_samples=[[sample]] if nested else [sample])
    check = getattr(CheckDatasetHook(), event)
    subject = runner(model(decode_head=head(5)), Frames(5))
    with pytest.raises(ValueError, match=message) if message else nullcontext():
        check(subject, 0, batch)
