import copy
import re
import time

import numpy as np
import pytest
from small_coco import CATEGORIES, IDS, SEGMENTS, document, write_image, write_json

from mmmaskformer.datasets import Ade20kPanopticDataset, CocoPanopticDataset

PIPELINE = [
    {'type': 'mmmaskformer.LoadImageFromFile'},
    {'type': 'mmmaskformer.LoadPanopticAnnotations'},
]
CLASSES = {300: 'sky', 5: 'cat', 16777215: 'cat', 70000: 'dog'}


def build(folder, content=None, **kwargs):
    write_image(folder)
    prefix = {'img_path': str(folder), 'seg_map_path': str(folder)}
    path = write_json(folder, document() if content is None else content)
    return CocoPanopticDataset(ann_file=path, data_prefix=prefix, **{'pipeline': PIPELINE, **kwargs})


def regions(dataset, index=0):
    """Class and pixels of each segment, whatever the numbers."""
    sample = dataset[index]
    classes = dataset.metainfo['classes']
    return {
        (classes[s['category_id']], s['isthing'], s['iscrowd'], (sample['gt_seg_map'] == s['id']).tobytes())
        for s in sample['segments_info']
    }


def test_metainfo(tmp_path):
    metainfo = build(tmp_path, lazy_init=True).metainfo
    assert metainfo['classes'] == ('cat', 'sky', 'dog')
    assert metainfo['thing_classes'] == ('cat', 'dog')
    assert metainfo['category_ids'] == (7, 3, 90)
    assert metainfo['palette'] == [[200, 0, 0], [0, 0, 200], [0, 200, 0]]


def test_sample(tmp_path):
    sample = build(tmp_path)[0]
    assert sample['img_id'] == 11
    expected = [[2, 2, 1, 1, 0], [2, 4, 4, 1, 0], [3, 3, 4, 1, 1]]
    assert sample['gt_seg_map'].tolist() == expected
    assert sample['gt_seg_map'].dtype == np.uint8
    assert sample['seg_fields'] == ['gt_seg_map']
    assert sample['segments_info'][2] == {
        'id': 3,
        'category_id': 0,
        'isthing': True,
        'iscrowd': True,
        'area': 2,
    }
    names = [('cat', 'sky', 'dog')[s['category_id']] for s in sample['segments_info']]
    assert names == [CLASSES[s['id']] for s in SEGMENTS]


def test_order_does_not_matter(tmp_path):
    expected = regions(build(tmp_path))
    assert len(expected) == 4
    for categories in (None, CATEGORIES[::-1], CATEGORIES[1:] + CATEGORIES[:1]):
        content = document(SEGMENTS[::-1], CATEGORIES[::-1])
        assert regions(build(tmp_path, content, categories=categories)) == expected


def test_list_decides_the_order(tmp_path):
    dataset = build(tmp_path, categories=CATEGORIES[::-1])
    assert dataset.metainfo['classes'] == ('dog', 'sky', 'cat')
    assert [s['category_id'] for s in dataset[0]['segments_info']] == [1, 2, 2, 0]


def test_list_without_the_file(tmp_path):
    dataset = CocoPanopticDataset(ann_file='absent.json', categories='coco_panoptic', lazy_init=True)
    assert len(dataset.metainfo['classes']) == 133
    with pytest.raises(FileNotFoundError, match=r'annotation file absent\.json does not exist'):
        dataset.full_init()
    assert len(Ade20kPanopticDataset(ann_file='a.json', lazy_init=True).metainfo['thing_classes']) == 100


def test_data_root(tmp_path):
    write_image(tmp_path)
    write_json(tmp_path, document())
    dataset = CocoPanopticDataset(ann_file='annotations.json', data_root=str(tmp_path), pipeline=PIPELINE)
    assert dataset[0]['img_path'] == str(tmp_path / 'a.jpg')


def test_crowds_alone_are_kept_unless_filtered(tmp_path):
    crowd = document([{**SEGMENTS[0], 'iscrowd': 1}])
    assert len(build(tmp_path, crowd)) == 1
    other = document()
    crowd['images'].append({**other['images'][0], 'id': 12})
    crowd['annotations'].append({**other['annotations'][0], 'image_id': 12})
    kept = build(tmp_path, crowd, filter_cfg={'filter_empty_gt': True})
    assert [info['img_id'] for info in kept] == [12]
    assert len(build(tmp_path, crowd, filter_cfg={'filter_empty_gt': True}, test_mode=True)) == 2


def test_image_without_annotation(tmp_path):
    content = document()
    content['images'].append({'id': 12, 'file_name': 'a.jpg'})
    with pytest.raises(
        ValueError, match=r'the image 12 \(.*a\.jpg\) has no annotation to train on.*filter_cfg'
    ):
        build(tmp_path, content)
    assert len(build(tmp_path, content, filter_cfg={'filter_empty_gt': True})) == 1
    dataset = build(tmp_path, content, test_mode=True)
    assert 'gt_seg_map' not in dataset[1]
    assert dataset[1]['img'].shape == (3, 5, 3)


def test_only_images(tmp_path):
    """The lists of test images have no annotations, and perhaps no categories."""
    images = {'images': document()['images']}
    assert len(build(tmp_path, images, categories=CATEGORIES, test_mode=True)) == 1
    with pytest.raises(ValueError, match='has no categories: set categories'):
        build(tmp_path, images, test_mode=True)


def fault(**segment):
    content = document()
    content['annotations'][0]['segments_info'][1] = {**SEGMENTS[1], **segment}
    return content


def change(path, value):
    content = copy.deepcopy(document())
    *parents, last = path
    target = content
    for key in parents:
        target = target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return content


def repeated(key, **kwargs):
    content = document()
    content[key].append({**content[key][0], **kwargs})
    return content


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (fault(category_id=8), 'in image 11 the segment 5 has category_id 8, which is not a category'),
        (fault(id=300), 'in image 11 the segment 300 appears twice: correct the file.'),
        (fault(id=0), 'in image 11 the segment 0 has an id that no pixel can have (1 to 16777215)'),
        (fault(id=1 << 24), 'the segment 16777216 has an id that no pixel can have'),
        (change(('annotations', 0, 'image_id'), 10), 'none of its 1 annotations belongs to an image that'),
        (
            repeated('annotations', file_name='b.png'),
            'the annotation b.png belongs to image 11, which has another annotation',
        ),
        (
            repeated('images', file_name='b.jpg'),
            "'id': 11, 'file_name': 'b.jpg', 'height': 3, 'width': 5} has the id of another",
        ),
        (change(('images', 0, 'file_name'), None), "has no 'file_name'"),
        (change(('annotations', 0, 'segments_info'), None), "annotations[0] has no 'segments_info'"),
        (change(('categories', 0, 'isthing'), None), "has no 'isthing'"),
        (change(('images',), None), "has no key 'images'"),
    ],
)
def test_bad_file(tmp_path, content, message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        build(tmp_path, content)
    assert str(tmp_path / 'annotations.json') in str(error.value)


def test_ade20k_error_explains_why_a_segment_appears_twice(tmp_path):
    path = write_json(tmp_path, fault(id=300))
    with pytest.raises(ValueError, match='300 appears twice: road and skyscraper share a color'):
        Ade20kPanopticDataset(ann_file=path, categories=CATEGORIES)


def test_file_that_disagrees_with_the_list(tmp_path):
    message = rf"{tmp_path}.*annotations\.json: the category 3 \('sky'\) has isthing=0, but isthing=1"
    with pytest.raises(ValueError, match=message):
        build(tmp_path, categories=[CATEGORIES[0], {**CATEGORIES[1], 'isthing': 1}, CATEGORIES[2]])


def test_broken_json(tmp_path):
    (tmp_path / 'a.json').write_text('{')
    with pytest.raises(ValueError, match=r'a\.json is not JSON'):
        CocoPanopticDataset(ann_file=str(tmp_path / 'a.json'))


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'metainfo': {'classes': ('cat',)}}, 'metainfo has classes.*set categories instead'),
        ({'img_suffix': '.png'}, 'img_suffix is not a setting'),
        ({'filter_cfg': {'min_size': 3}}, "Unknown key 'min_size' in filter_cfg; expected filter_empty_gt"),
    ],
)
def test_bad_arguments(tmp_path, kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(tmp_path, **kwargs)
    with pytest.raises(ValueError, match='needs ann_file'):
        CocoPanopticDataset()


def test_many_images_are_indexed_quickly(tmp_path):
    """A tenth of COCO's training images; no image or PNG is looked for."""
    number = 12000
    content = document()
    image, annotation = content['images'][0], content['annotations'][0]
    content['images'] = [{**image, 'id': i, 'file_name': f'{i}.jpg'} for i in range(number)]
    content['annotations'] = [{**annotation, 'image_id': i} for i in reversed(range(number))]
    path = write_json(tmp_path, content)
    start = time.process_time()
    dataset = CocoPanopticDataset(ann_file=path)
    assert len(dataset) == number
    assert time.process_time() - start < 5
    assert dataset.get_data_info(5)['img_path'] == '5.jpg'
    assert IDS.max() == dataset.get_data_info(5)['segments_info'][2]['id']
