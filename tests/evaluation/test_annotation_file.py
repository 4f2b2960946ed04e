"""A metric's ann_file is compared with the data set before training starts."""

from __future__ import annotations

import copy
import re
import shutil
from types import SimpleNamespace

import pytest
from coco_dialects import outline, write_dialect

from mmmaskformer.datasets import CocoInstanceDataset
from mmmaskformer.engine import CheckDatasetHook
from mmmaskformer.evaluation import InstanceAP
from mmmaskformer.evaluation import annotation_file as module

BOX = (2, 3, 7, 9)
DOCUMENT = dict(
    images=[dict(id=i, file_name=f'{i}.png', height=12, width=16) for i in (0, 1)],
    categories=[dict(id=0, name='cat'), dict(id=5, name='dog')],
    annotations=[
        dict(id=0, image_id=0, category_id=0, segmentation=outline(BOX, 'polygon')),
        dict(id=1, image_id=1, category_id=5, segmentation=outline(BOX, 'compressed')),
        dict(id=2, image_id=1, category_id=5, segmentation=[]),
    ],
)


def start(dataset, **settings):
    """What happens between the building of the data and the first iteration."""
    metric = InstanceAP(**settings)
    metric.dataset_meta = dataset.metainfo
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[metric]))
    loader = SimpleNamespace(dataset=SimpleNamespace(dataset=dataset))  # as in a wrapper
    runner = SimpleNamespace(
        model=SimpleNamespace(), val_loop=loop, train_dataloader=loader, val_dataloader=loader
    )
    CheckDatasetHook().before_train(runner)


@pytest.fixture
def dataset(tmp_path):
    return CocoInstanceDataset(ann_file=write_dialect(tmp_path, DOCUMENT, []))


def other(folder, **changes):
    content = copy.deepcopy(DOCUMENT)
    content.update(changes)
    (folder / 'other').mkdir()
    return write_dialect(folder / 'other', content, [])


def test_the_same_file_is_not_read_again(tmp_path, dataset, monkeypatch):
    (tmp_path / 'link.json').symlink_to(dataset.ann_file)
    monkeypatch.setattr(module, 'read_document', lambda *_: pytest.fail('it is read again'))
    start(dataset)
    start(dataset, ann_file=dataset.ann_file)
    start(dataset, ann_file=str(tmp_path / 'link.json'))
    start(dataset, ann_file='absent.json', format_only=True, outfile_prefix='a')


def test_a_copy_and_a_larger_file_will_do(tmp_path, dataset):
    shutil.copy(dataset.ann_file, tmp_path / 'copy.json')
    start(dataset, ann_file=str(tmp_path / 'copy.json'))
    images = [dict(id=9, file_name='9.png'), *DOCUMENT['images']]
    annotations = [*DOCUMENT['annotations'], dict(DOCUMENT['annotations'][0], image_id=9)]
    start(dataset, ann_file=other(tmp_path, images=images, annotations=annotations))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(images=DOCUMENT['images'][1:]),
            'has no image with the id 0, which the data set has: set',
        ),
        (
            dict(images=[dict(id=0, file_name='7.png'), DOCUMENT['images'][1]]),
            "image 0 has the file name '7.png' in",
        ),
        (dict(annotations=DOCUMENT['annotations'][:1]), 'image 1 has the number of objects 0 in'),
        (
            dict(categories=[dict(id=0, name='dog'), dict(id=5, name='cat')]),
            "the category 0 ('dog') is 'cat' in the list of categories",
        ),
        (
            dict(annotations=[dict(image_id=0, category_id=0, bbox=[0, 0, 1, 1])]),
            'has boxes and no outlines',
        ),
    ],
)
def test_another_file_is_refused_before_training(tmp_path, dataset, changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        start(dataset, ann_file=other(tmp_path, **changes))


def test_a_missing_file_is_refused_before_training(dataset):
    with pytest.raises(FileNotFoundError, match=r'the annotation file absent\.json does not exist'):
        start(dataset, ann_file='absent.json')
