"""Entries of COCO files that are skipped are counted; files that cannot be used are refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from coco_dialects import NOT_USED, outline, write_dialect
from pycocotools import mask as coco_masks
from small_coco import document as panoptic_document
from small_coco import write_json

from mmmaskformer.datasets import CocoInstanceDataset, CocoPanopticDataset, coco_json, segmentation_checks
from mmmaskformer.datasets.coco_instance import NO_OUTLINE, NO_PIXEL, SPECK
from mmmaskformer.datasets.segmentation_checks import undrawable, without_pixels
from mmmaskformer.datasets.segmentations import draw_segmentation, run_lengths

BOX = (2, 3, 7, 9)
IMAGES = [dict(id=1, file_name='a.png', height=12, width=16), dict(id=2, file_name='b/c.png')]
CATEGORIES = [dict(id=0, name='objects', supercategory='none'), dict(id=3, name='cat')]


def entry(image_id=1, **fields):
    return dict(dict(image_id=image_id, category_id=3, segmentation=outline(BOX, 'polygon')), **fields)


def build(folder, annotations, images=IMAGES, categories=CATEGORIES, **settings):
    content = dict(images=images, annotations=annotations, categories=categories)
    return CocoInstanceDataset(ann_file=write_json(folder, content), **settings)


def objects(dataset):
    return [len(dataset.get_data_info(i)['instances']) for i in range(len(dataset))]


def test_skipped_entries_are_counted_by_reason_with_the_file_names(tmp_path, monkeypatch):
    annotations = [
        entry(id=0),
        entry(id=0),  # listed twice
        entry(id=0, segmentation=outline((0, 0, 3, 3), 'polygon')),  # another of the same id
        entry(image_id=2, segmentation=None),
        entry(image_id='1', segmentation=[]),
        entry(segmentation=[[1, 1, 5, 5, 9, 9]]),
        entry(image_id=77),
        entry(image_id=2.0, segmentation=outline(BOX, 'speck')),
    ]
    lines = []
    monkeypatch.setattr(coco_json, 'print_log', lambda line, *_: lines.append(line))
    dataset = build(tmp_path, annotations, [*IMAGES, IMAGES[0]])
    build(tmp_path, annotations, [*IMAGES, IMAGES[0]])
    assert objects(dataset) == [2, 1]
    assert dataset.left_out == {
        'image entries listed twice': ['a.png'],
        'annotations of images that the file does not list': ['image 77'],
        'annotations listed twice': ['a.png'],
        NO_OUTLINE: ['b/c.png', 'a.png'],
        NO_PIXEL: ['a.png'],
        SPECK: ['b/c.png'],
    }
    assert dataset.num_empty == 3
    assert len(lines) == 1
    assert '2 objects without an outline (segmentation missing or empty) (b/c.png, a.png)' in lines[0]


def test_nothing_is_logged_without_skipped_entries(tmp_path, monkeypatch):
    monkeypatch.setattr(coco_json, 'print_log', lambda *_: pytest.fail('nothing to log'))
    assert build(tmp_path, [entry()]).left_out == {}


@pytest.mark.parametrize('unused', NOT_USED, ids=str)
def test_every_kind_of_empty_outline(tmp_path, unused):
    dataset = build(tmp_path, [entry(), entry(**{'segmentation': None, **unused})])
    assert objects(dataset) == [1, 0]
    assert dataset.num_empty == 1


@pytest.mark.parametrize('shape', [(12, 16), None])
def test_empty_outlines_are_found_without_drawing_them(shape):
    """Slivers, bow ties, polygons drawn twice and at the border, against what pycocotools draws."""
    rng = np.random.default_rng(0)
    outlines = []
    for _ in range(600):
        corners = rng.uniform((2, 2), (14, 10), 2) + rng.normal(size=(rng.integers(3, 7), 2)) * rng.choice(
            (0.1, 0.5, 2, 8), (1, 2)
        )
        outlines.append([corners.clip(-10, 20 if shape else 16).ravel().tolist()])
        if shape is None:
            outlines[-1] = [np.abs(outlines[-1][0]).tolist()]
    outlines.append([[1, 1, 9, 9, 9, 1, 1, 9]])
    expected = [not draw_segmentation(drawn, shape or (40, 40)).any() for drawn in outlines]
    assert 20 < sum(expected) < 580
    assert without_pixels(outlines, [shape] * len(outlines)) == expected


@pytest.mark.parametrize(
    ('annotations', 'message'),
    [
        (
            [dict(image_id=1, category_id=3, bbox=[1, 1, 4, 4])] * 2,
            'has boxes and no outlines: none of its 2',
        ),
        ([entry(segmentation=[], bbox=[1, 1, 4, 4])], 'has boxes and no outlines'),
        ([entry(5), entry(6)], 'none of its 2 annotations belongs to an image that it lists'),
        (
            [entry(segmentation=[[1, 1, 5, 5]])],
            'none of its 1 annotations can be used (1 object whose outline',
        ),
        (
            panoptic_document()['annotations'],
            'is a panoptic file, its annotations have segments_info: use mmm',
        ),
        ([entry(category_id=4)], 'has category_id 4, which is not a category'),
        ([entry(category_id='cat')], "annotations[0] has category_id='cat', expected a whole number"),
        ([entry(image_id=None)], "annotations[0] has no 'image_id'"),
        ([entry(iscrowd='perhaps')], "annotations[0] has iscrowd='perhaps', expected 0 or 1"),
        ([entry(segmentation='x')], "has segmentation='x', expected a list or an object"),
    ],
)
def test_unusable_files_are_refused_before_training(tmp_path, annotations, message):
    for test_mode in (False, True):
        with pytest.raises(ValueError, match=re.escape(message)):
            build(tmp_path, annotations, test_mode=test_mode)


def test_other_files_are_refused(tmp_path):
    content = dict(images=IMAGES, annotations=[entry(bbox=[0, 0, 1, 1])], categories=CATEGORIES)
    content['categories'] = [dict(category, isthing=1) for category in CATEGORIES]
    with pytest.raises(ValueError, match=r'file of instances.*use mmmaskformer\.CocoInstanceDataset'):
        CocoPanopticDataset(ann_file=write_json(tmp_path, content))
    with pytest.raises(ValueError, match=r'is a list, as files of results are: give'):
        CocoInstanceDataset(ann_file=write_json(tmp_path, [entry(score=0.5)]))
    with pytest.raises(ValueError, match=r'annotations\.json lists no image: give a JSON file of COCO'):
        build(tmp_path, [], [])
    with pytest.raises(ValueError, match=r"'id': 1, 'file_name': 'x\.png'} has the id of another image"):
        build(tmp_path, [entry()], [*IMAGES, dict(id=1, file_name='x.png')])


def test_ids_of_images_as_numbers_and_text(tmp_path):
    images = [
        dict(id='1', file_name='a.png'),
        dict(id=2.0, file_name='b.png'),
        dict(id='x', file_name='c.png'),
    ]
    dataset = build(tmp_path, [entry(1), entry('2'), entry(2.0), entry('x')], images)
    assert objects(dataset) == [1, 2, 1]
    assert [dataset.get_data_info(i)['img_id'] for i in range(3)] == ['1', 2, 'x']


def test_byte_order_mark_and_backslashes(tmp_path):
    content = dict(images=[dict(id=0, file_name='a\\ü.png')], annotations=[entry(0)], categories=CATEGORIES)
    path = write_dialect(tmp_path, content, [], mark=True)
    assert Path(path).read_bytes()[:3] == b'\xef\xbb\xbf'
    dataset = CocoInstanceDataset(ann_file=path, data_prefix=dict(img_path='img'))
    assert dataset.get_data_info(0)['img_path'] == 'img/a/ü.png'


@pytest.mark.parametrize('written', [str, float])
def test_category_ids_as_text_and_with_a_fraction(tmp_path, written):
    categories = [dict(category, id=written(category['id'])) for category in CATEGORIES]
    dataset = build(tmp_path, [entry()], categories=categories)
    assert dataset.metainfo['category_ids'] == (0, 3)
    assert dataset.get_data_info(0)['instances'][0]['category_id'] == 1


def test_panoptic_segments_may_lack_fields_and_write_ids_as_text(tmp_path):
    content = panoptic_document()
    expected = CocoPanopticDataset(ann_file=write_json(tmp_path, content)).get_data_info(0)['segments_info']
    annotation = content['annotations'][0]
    annotation['image_id'] = '11'
    annotation['segments_info'] = [
        {**segment, 'id': str(segment['id']), 'category_id': float(segment['category_id'])}
        for segment in annotation['segments_info']
    ]
    for segment in annotation['segments_info']:
        if not segment['iscrowd']:
            del segment['iscrowd']
        segment['area'] = f'{segment["area"]}'
    content['annotations'] += [dict(annotation), dict(annotation, image_id=5, file_name='z.png')]
    dataset = CocoPanopticDataset(ann_file=write_json(tmp_path, content))
    assert dataset.get_data_info(0)['segments_info'] == expected
    assert dataset.left_out == {
        'annotations listed twice': ['a.png'],
        'annotations of images that the file does not list': ['z.png'],
    }


def random_run_lengths(shape=(12, 16), number=50):
    rng = np.random.default_rng(0)
    masks = [np.asfortranarray(rng.random(shape) < rng.uniform(0.05, 0.95), np.uint8) for _ in range(number)]
    texts = [coco_masks.encode(mask)['counts'].decode() for mask in masks]
    return [dict(size=list(shape), counts=text) for text in texts]


def test_intact_run_lengths_are_not_decoded_one_by_one(monkeypatch):
    outlines = random_run_lengths()
    monkeypatch.setattr(segmentation_checks, '_check', lambda *_: pytest.fail('decoded'))
    monkeypatch.setattr(segmentation_checks, 'TEXTS', 7)
    assert undrawable(outlines, [(12, 16), None] * 25) == {}


def test_run_lengths_that_are_cut_off_or_damaged():
    outlines = random_run_lengths()
    cut = [dict(outline, counts=outline['counts'][:-1]) for outline in outlines]
    damaged = [dict(outline, counts='1' + outline['counts'][1:]) for outline in outlines]
    faults = undrawable([*outlines, *cut, *damaged], [(12, 16)] * 150)
    assert not set(faults) & set(range(50))
    assert set(faults) >= set(range(50, 100))
    for place, outline_ in enumerate(damaged, start=100):  # the first number may be the same as before
        assert (place in faults) == (sum(run_lengths(outline_['counts'])) != 12 * 16)


def test_run_lengths_that_are_cut_off_are_refused_before_training(tmp_path):
    cut = dict(size=[12, 16], counts=random_run_lengths()[0]['counts'][:-3])
    with pytest.raises(ValueError, match=r'1 object cannot be drawn, the first: object 7 of a\.png: its'):
        build(tmp_path, [entry(), entry(id=7, segmentation=cut)])
