import re

import numpy as np
import pytest
from pycocotools import mask as coco_masks
from small_coco import write_image, write_json

from mmmaskformer.datasets import CocoInstanceDataset
from mmmaskformer.datasets.dataset_wrappers import unreadable_as_empty

PIPELINE = [
    {'type': 'mmmaskformer.LoadImageFromFile'},
    {'type': 'mmmaskformer.LoadInstanceAnnotations'},
]
HEIGHT, WIDTH = 8, 10


def box(left, top, right, bottom):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def uncompressed(mask):
    """Run lengths down the columns, zeros first."""
    flat = mask.T.ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *changes, flat.size]).tolist()
    return {'size': [HEIGHT, WIDTH], 'counts': runs if flat[0] == 0 else [0, *runs]}


def compressed(mask):
    runs = coco_masks.encode(np.asfortranarray(mask))
    return {'size': [HEIGHT, WIDTH], 'counts': runs['counts'].decode()}


def polygon(left, top, right, bottom):
    return [[left, top, right, top, right, bottom, left, bottom]]


def instance(segmentation, **kwargs):
    return {'image_id': 1, 'category_id': 9, 'iscrowd': 0, 'segmentation': segmentation, **kwargs}


def build(folder, instances, sizes=None, **kwargs):
    write_image(folder, np.zeros((HEIGHT, WIDTH), int))
    content = {
        'images': [{'id': number, 'file_name': 'a.jpg', **(sizes or {})} for number in (1, 2)],
        'annotations': [{'id': i, **entry} for i, entry in enumerate(instances)],
        'categories': [{'id': 4, 'name': 'cat'}, {'id': 9, 'name': 'dog'}],
    }
    return CocoInstanceDataset(
        ann_file=write_json(folder, content),
        data_prefix={'img_path': str(folder)},
        pipeline=PIPELINE,
        **kwargs,
    )


def test_three_forms_of_segmentation(tmp_path):
    """All mean the same pixels: whole numbers as polygon corners are the corners of pixels."""
    forms = [polygon(2, 3, 6, 5), uncompressed(box(2, 3, 6, 5)), compressed(box(2, 3, 6, 5))]
    expected = box(2, 3, 6, 5).astype(bool)
    for form in forms:
        sample = build(tmp_path, [instance(form)])[0]
        assert sample['gt_seg_map'].shape == (HEIGHT, WIDTH)
        assert ((sample['gt_seg_map'] == 1) == expected).all()
        assert sample['segments_info'] == [
            {'id': 1, 'category_id': 1, 'isthing': True, 'iscrowd': False, 'area': 8}
        ]


def test_polygons_of_one_object_are_one_segment(tmp_path):
    sample = build(tmp_path, [instance(polygon(0, 0, 2, 2) + polygon(5, 5, 8, 7))])[0]
    expected = box(0, 0, 2, 2) + box(5, 5, 8, 7)
    assert (sample['gt_seg_map'] == expected).all()


def test_overlapping_objects_keep_apart(tmp_path):
    boxes = [(0, 0, 6, 6), (4, 4, 10, 8), (8, 0, 10, 3), (5, 5, 9, 7)]
    sample = build(tmp_path, [instance(uncompressed(box(*b))) for b in boxes])[0]
    layers = sample['gt_seg_map']
    assert layers.shape == (HEIGHT, WIDTH, 3)
    assert [np.unique(layers[..., i]).tolist() for i in range(3)] == [[0, 1, 3], [0, 2], [0, 4]]
    for number, b in enumerate(boxes, start=1):
        assert ((layers == number).any(-1) == box(*b)).all()


def test_crowds_are_marked(tmp_path):
    sample = build(tmp_path, [instance(compressed(box(0, 0, 3, 3)), iscrowd=1)])[0]
    assert sample['segments_info'][0]['iscrowd'] is True


def test_objects_without_area_are_skipped_and_counted(tmp_path):
    nothing = [instance([]), instance([[1, 1, 4, 1, 7, 1]], area=9), instance(polygon(1, 1, 4, 4), area=0)]
    dataset = build(tmp_path, nothing)
    assert [entry['id'] for entry in dataset.get_data_info(0)['instances']] == [2]
    assert dataset[0]['segments_info'][0]['area'] == 9
    assert dataset.num_empty == 2


def test_object_that_covers_no_pixel(tmp_path):
    thin = instance(uncompressed(box(0, 0, 0, 0)), area=0.2)
    sample = build(tmp_path, [thin, instance(polygon(1, 1, 4, 4))])[0]
    assert [s['id'] for s in sample['segments_info']] == [1]
    assert ((sample['gt_seg_map'] == 1) == box(1, 1, 4, 4)).all()


def test_image_without_objects(tmp_path):
    dataset = build(tmp_path, [instance(polygon(1, 1, 4, 4))])
    assert dataset[1]['gt_seg_map'].max() == 0
    assert dataset[1]['segments_info'] == []
    assert len(build(tmp_path, [instance(polygon(1, 1, 4, 4))], filter_cfg={'filter_empty_gt': True})) == 1


def test_metainfo(tmp_path):
    metainfo = build(tmp_path, []).metainfo
    assert metainfo['classes'] == metainfo['thing_classes'] == ('cat', 'dog')
    dataset = CocoInstanceDataset(ann_file='absent.json', categories='coco_instance', lazy_init=True)
    assert dataset.metainfo['category_ids'][-1] == 90
    assert len(dataset.metainfo['classes']) == 80


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        (instance([], category_id=5), 'the object 0 of image 1 has category_id 5, which is not a category'),
    ],
)
def test_bad_file(tmp_path, entry, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build(tmp_path, [entry, instance(polygon(1, 1, 4, 4))])


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        ({'size': [5, 5], 'counts': [0, 25]}, r'its size is [5, 5], that of the image is [8, 10]'),
        ({'size': [5, 5], 'counts': 'abc'}, r'its size is [5, 5], that of the image is [8, 10]'),
        ({'size': [8, 10], 'counts': [70, 9]}, 'do not sum up to the 80 pixels'),
        ([[1, 2, 3]], 'is not a list x, y, x, y, ...'),
        ([[2, 2, 9, 2, 9, 7, 2, 7], [1, 1, 2, 2, 3, 3, 4]], 'is not a list x, y, x, y, ...'),
        ([[2, 2, 9, 2, float('nan'), 7, 2, 7]], 'has corners that are not numbers'),
        ([[2, 2, 9, None, 9, 7, 2, 7]], 'has corners that are not numbers'),
        ([[2, 2, 9, 2, 9, 7, -12, 7]], 'has corners far outside the image of 10x8 pixels'),
        ([[2, 2, 9, 2, 9, 17, 2, 17]], 'has corners far outside the image of 10x8 pixels'),
    ],
    ids=str,
)
def test_outline_that_cannot_be_drawn_is_refused_when_the_file_is_read(tmp_path, segmentation, message):
    """Not in the middle of training; unless bad samples are skipped, which then happens as it is loaded."""
    good = instance(polygon(2, 2, 6, 5))
    sizes = {'height': HEIGHT, 'width': WIDTH}
    start = 'annotations.json: 1 object cannot be drawn, the first: object 1 of a.jpg: '
    with pytest.raises(ValueError, match=re.escape(start) + '.*' + re.escape(message)):
        build(tmp_path, [good, instance(segmentation), good], sizes)
    with unreadable_as_empty():
        dataset = build(tmp_path, [good, instance(segmentation)], sizes)
    with pytest.raises(ValueError, match=r'a\.jpg: the segmentation of object 1 cannot be drawn'):
        dataset[0]


def test_outlines_of_images_without_a_listed_size_are_refused_for_what_is_known(tmp_path):
    assert len(build(tmp_path, [instance([[-900, 0, 900, 0, 900, 900]])])) == 2
    for wrong in ([[1, 2, 3]], [[1, 2, 3, float('inf'), 5, 6]], {'size': [8, 10], 'counts': [79]}):
        with pytest.raises(ValueError, match='1 object cannot be drawn'):
            build(tmp_path, [instance(wrong)])
