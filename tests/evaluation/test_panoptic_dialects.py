"""PQ of a perfect prediction is 100 and of an empty one 0, in whatever way a panoptic file is written."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
from coco_dialects import WRITTEN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmmaskformer.datasets import CocoPanopticDataset
from mmmaskformer.evaluation import PanopticQuality

SIDE = 32
LOAD = [
    {'type': 'mmmaskformer.LoadImageFromFile'},
    {'type': 'mmmaskformer.LoadPanopticAnnotations'},
    {'type': 'mmmaskformer.PackSegmentInputs'},
]


def write(folder, maps, entries, categories, names):
    """Images, PNGs of ids as red + 256 green + 65536 blue, and the JSON file."""
    for ids, name in zip(maps, names):
        colors = np.stack([ids >> 16 & 255, ids >> 8 & 255, ids & 255], -1).astype(np.uint8)
        for path, content in ((f'img/{name}', np.zeros_like(colors)), (f'ann/{name}', colors)):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(cv2.imencode('.png', content)[1].tobytes())
    images = [dict(id=i, file_name=name) for i, name in enumerate(names)]
    annotations = [
        dict(image_id=i, file_name=name, segments_info=listed)
        for i, (name, listed) in enumerate(zip(names, entries))
    ]
    document = dict(images=images, annotations=annotations[::-1], categories=categories)
    (folder / 'panoptic.json').write_text(json.dumps(document), encoding='utf-8-sig')
    return CocoPanopticDataset(
        ann_file=str(folder / 'panoptic.json'),
        data_prefix=dict(img_path=str(folder / 'img'), seg_map_path=str(folder / 'ann')),
        pipeline=LOAD,
    )


def quality(dataset, predicted):
    """PQ of a map of places + 1 (0: nothing) and the class of each segment, for each image."""
    metric = PanopticQuality()
    metric.dataset_meta = dataset.metainfo
    things = set(dataset.metainfo['thing_classes'])
    for place, (ids, labels) in enumerate(predicted):
        sample = dataset[place]['data_samples'].to_dict()
        sample['pred_panoptic_seg'] = dict(data=torch.from_numpy(ids.astype(np.int32))[None])
        sample['pred_segments_info'] = [
            dict(id=i, category_id=label, isthing=dataset.metainfo['classes'][label] in things, score=1.0)
            for i, label in enumerate(labels, start=1)
        ]
        metric.process({}, [sample])
    return metric.evaluate(len(predicted))['PQ']


def stripes(number, first=0):
    """A map of 1..number in equal stripes, from pixel ``first`` on."""
    ids = np.zeros(SIDE * SIDE, np.int64)
    ids[first:] = np.arange(SIDE * SIDE - first) * number // (SIDE * SIDE - first) + 1
    return ids.reshape(SIDE, SIDE)


@pytest.mark.parametrize('num_classes', [1, 2, 150, 300, 847])
def test_perfect_is_100_and_empty_is_0(tmp_path, num_classes):
    """Every class once in each of two images, every second one a thing; category ids count from 0."""
    categories = [dict(id=i, name=f'class {i}', isthing=i % 2) for i in range(num_classes)]
    entries = [[dict(id=i + 1, category_id=i) for i in range(num_classes)]] * 2
    maps = [stripes(num_classes), stripes(num_classes, first=100)]
    dataset = write(tmp_path, maps, entries, categories, ['0.png', '1.png'])
    labels = list(range(num_classes))
    assert quality(dataset, [(ids, labels) for ids in maps]) == pytest.approx(100)
    assert quality(dataset, [(0 * ids, []) for ids in maps]) == 0
    # one of the two images: RQ = 1 / (1 + 0.5) of every class
    assert quality(dataset, [(maps[0], labels), (0 * maps[1], [])]) == pytest.approx(200 / 3)


@st.composite
def panoptic_files(draw):
    """Class of each segment and entries of two images, of which some segments have no pixel."""
    category_ids = draw(st.lists(st.integers(0, 300), min_size=3, max_size=3, unique=True))
    id_as, category_as = draw(st.sampled_from(sorted(WRITTEN))), draw(st.sampled_from(sorted(WRITTEN)))
    categories = [dict(id=number, name=str(number), isthing=i != 1) for i, number in enumerate(category_ids)]
    labels, maps, entries = [], [], []
    for _ in range(2):
        numbers = draw(st.lists(st.integers(1, (1 << 24) - 1), min_size=2, max_size=6, unique=True))
        classes = draw(st.lists(st.integers(0, 2), min_size=len(numbers), max_size=len(numbers)))
        num_present = draw(st.integers(1, len(numbers)))
        maps.append(np.array([0, *numbers])[stripes(num_present, first=draw(st.integers(0, 60)))])
        labels.append(classes[:num_present])
        fields = st.sampled_from(
            [{}, *(dict(iscrowd=value) for value in (0, None)), *(dict(area=value) for value in (None, '9'))]
        )
        entries.append(
            [
                dict(
                    id=WRITTEN[id_as](number),
                    category_id=WRITTEN[category_as](category_ids[label]),
                    **draw(fields),
                )
                for number, label in zip(numbers, classes)
            ]
        )
    return labels, maps, entries, categories


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(file=panoptic_files())
def test_every_way_to_write_a_file(tmp_path_factory, file):
    labels, maps, entries, categories = file
    dataset = write(tmp_path_factory.mktemp('a'), maps, entries, categories, ['a/0.png', 'ü/1.png'])
    for place, classes in enumerate(labels):
        sample = dataset[place]['data_samples']
        assert [segment['category_id'] for segment in sample.gt_segments_info] == classes
        assert ((sample.gt_panoptic_seg.data[0].numpy() > 0) == (maps[place] > 0)).all()
    perfect = []
    for ids, listed, classes in zip(maps, entries, labels):
        numbers = [int(float(entry['id'])) for entry in listed[: len(classes)]]
        places = {0: 0, **{number: i for i, number in enumerate(numbers, start=1)}}
        perfect.append((np.vectorize(places.get)(ids), classes))
    assert quality(dataset, perfect) == pytest.approx(100)
    assert quality(dataset, [(0 * ids, []) for ids in maps]) == 0
