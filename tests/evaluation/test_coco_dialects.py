"""Training and evaluation see the same objects, in whatever way a tool writes its COCO file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from coco_dialects import HEIGHT, LOAD, WIDTH, box_mask, instance_files, write_dialect
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmengine.structures import InstanceData

from mmmaskformer.datasets import CocoInstanceDataset
from mmmaskformer.evaluation import InstanceAP


def data_set(path: str, **settings: object) -> CocoInstanceDataset:
    return CocoInstanceDataset(
        ann_file=path, data_prefix=dict(img_path=str(Path(path).parent / 'img')), pipeline=LOAD, **settings
    )


def evaluate(dataset: CocoInstanceDataset, predicted: list[list[tuple[int, np.ndarray]]], **settings) -> dict:
    """AP of the (class, mask) of each image, through the pipeline and the metric."""
    metric = InstanceAP(**settings)
    metric.dataset_meta = dataset.metainfo
    metric.check_data([dataset])
    for place, found in enumerate(predicted):
        sample = dataset[place]['data_samples'].to_dict()
        masks = np.stack([mask for _, mask in found]) if found else np.zeros((0, *sample['ori_shape']), bool)
        sample['pred_instances'] = InstanceData(
            labels=torch.tensor([label for label, _ in found], dtype=torch.int64),
            scores=torch.ones(len(found)),
            masks=torch.from_numpy(masks),
        )
        metric.process({}, [sample])
    return metric.evaluate(len(predicted))


def seen(dataset: CocoInstanceDataset, place: int) -> list[tuple[str, bytes]]:
    """Class and pixels of the objects that training gets of an image."""
    sample = dataset[place]['data_samples']
    layers = sample.gt_panoptic_seg.data.numpy()
    return sorted(
        (
            dataset.metainfo['classes'][segment['category_id']],
            (layers == segment['id']).any(0).tobytes(),
        )
        for segment in sample.gt_segments_info
    )


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(file=instance_files(), mark=st.booleans())
def test_training_and_evaluation_see_the_objects_that_a_file_means(file, mark):
    document, meant = file
    with tempfile.TemporaryDirectory() as folder:
        path = write_dialect(Path(folder), document, list(meant), mark)
        dataset = data_set(path)
        classes = list(dataset.metainfo['classes'])
        root = Path(folder) / 'img'
        names = [
            Path(dataset.get_data_info(i)['img_path']).relative_to(root).as_posix()
            for i in range(len(dataset))
        ]
        assert sorted(names) == sorted(meant)
        for place, name in enumerate(names):
            expected = sorted((label, box_mask(box).tobytes()) for label, box in meant[name])
            assert seen(dataset, place) == expected
        perfect = [[(classes.index(label), box_mask(box)) for label, box in meant[name]] for name in names]
        nothing = [[] for _ in names]
        for given_file in ({}, dict(ann_file=path)):
            if any(perfect):
                assert evaluate(dataset, perfect, **given_file)['AP'] == pytest.approx(100)
                assert evaluate(dataset, nothing, **given_file)['AP'] == 0
            else:
                assert np.isnan(evaluate(dataset, nothing, **given_file)['AP'])


@pytest.mark.parametrize('num_classes', [1, 2, 150, 300, 847])
@pytest.mark.parametrize('with_file', [False, True])
def test_perfect_is_100_and_empty_is_0(tmp_path, num_classes, with_file):
    """Every class has an object, ids count from 0, as do categories; every second image lacks its size."""
    rng = np.random.default_rng(0)
    images = [dict(id=i, file_name=f'{i}.png', height=HEIGHT, width=WIDTH) for i in range(20)]
    for image in images[::2]:
        del image['height']
    boxes = []
    for label in range(num_classes):
        left, top = rng.integers(0, WIDTH - 4), rng.integers(0, HEIGHT - 4)
        boxes.append((label % 20, label, (left, top, left + rng.integers(2, 5), top + rng.integers(2, 5))))
    annotations = [
        dict(id=i, image_id=img, category_id=label, segmentation=[list(map(int, (a, b, c, b, c, d, a, d)))])
        for i, (img, label, (a, b, c, d)) in enumerate(boxes)
    ]
    categories = [dict(id=i, name=f'class {i}') for i in range(num_classes)]
    document = dict(images=images, annotations=annotations, categories=categories)
    path = write_dialect(tmp_path, document, [image['file_name'] for image in images])
    perfect = [[(label, box_mask(box)) for img, label, box in boxes if img == place] for place in range(20)]
    chosen = dict(ann_file=path) if with_file else {}
    dataset = data_set(path)
    assert evaluate(dataset, perfect, **chosen)['AP'] == pytest.approx(100)
    assert evaluate(dataset, [[]] * 20, **chosen)['AP'] == 0
    if num_classes == 2:
        assert evaluate(dataset, perfect[:1] + [[]] * 19, **chosen)['AP'] == pytest.approx(50)
