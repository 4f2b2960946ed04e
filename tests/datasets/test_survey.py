"""Mistakes in a data set that a survey finds before training meets them."""

import cv2
import numpy as np
import pytest
from label_maps import MAPS, write_label_maps
from mmengine.registry import DATASETS
from small_coco import IDS, SEGMENTS, document, write_image, write_json

from mmmaskformer.datasets.coco_json import counted
from mmmaskformer.datasets.survey import Survey, survey
from mmmaskformer.datasets.survey_report import likely_mistakes

SQUARE = [[0, 0, 2, 0, 2, 2, 0, 2]]


def mistakes(config, num_queries=None, **changes):
    return likely_mistakes(survey(DATASETS.build(config), **changes), num_queries)


def panoptic(folder, segments=SEGMENTS):
    write_image(folder)
    return dict(
        type='mmmaskformer.CocoPanopticDataset',
        ann_file=write_json(folder, document(segments)),
        data_prefix=dict(img_path=str(folder), seg_map_path=str(folder)),
        pipeline=[dict(type='mmmaskformer.LoadPanopticAnnotations')],
    )


def instances(folder, objects, height=3, width=5):
    write_image(folder)
    content = document()
    content['images'][0].update(height=height, width=width)
    content['annotations'] = [
        dict(id=number, image_id=11, category_id=7, iscrowd=0, segmentation=segmentation)
        for number, segmentation in enumerate(objects)
    ]
    return dict(
        type='mmmaskformer.CocoInstanceDataset',
        ann_file=write_json(folder, content),
        data_prefix=dict(img_path=str(folder)),
    )


def mosaic_of(config):
    return dict(
        type='mmseg.MultiImageMixDataset',
        dataset=config,
        pipeline=[dict(type='mmmaskformer.SegmentMosaic', prob=0.5)],
    )


@pytest.mark.parametrize(
    ('number', 'what', 'expected'),
    [
        (1, 'images that do not exist', '1 image that does not exist'),
        (2, 'images that do not exist', '2 images that do not exist'),
        (
            1,
            'annotations of images that the file does not list',
            '1 annotation of images that the file does not list',
        ),
        (1, 'image entries listed twice', '1 image entry listed twice'),
        (1, 'objects whose outline covers no pixel', '1 object whose outline covers no pixel'),
        (1234, 'classes', '1,234 classes'),
    ],
)
def test_numbers_agree_with_what_they_count(number, what, expected):
    assert counted(number, what) == expected


@pytest.mark.parametrize(
    ('classes', 'expected'),
    [(('a',), '1 of 1 class never occurs: a.'), (('a', 'b'), '2 of 2 classes never occur: a, b.')],
)
def test_classes_that_never_occur(classes, expected):
    assert likely_mistakes(Survey(classes, num_images=3, num_examined=3), None) == [expected]


def test_masks_of_16_bits(tmp_path):
    (line,) = mistakes(
        dict(write_label_maps(tmp_path, [{0: 6, 65535: 6}, {0: 12}]), metainfo=dict(classes=['crack']))
    )
    assert 'hold 0 and 65535 alone' in line
    assert 'replace 65535 by 1' in line
    assert '255 ' not in line


def test_label_map_of_another_size(tmp_path):
    config = write_label_maps(tmp_path)
    cv2.imwrite(str(tmp_path / 'ann/1.png'), np.zeros((4, 3), np.uint8))
    fault = 'it is 3x4 pixels, but its image is 4x3'
    assert survey(DATASETS.build(config)).unreadable == {f'{tmp_path}/ann/1.png': fault}
    assert f'1 file cannot be used, the first is {tmp_path}/ann/1.png ({fault})' in mistakes(config)


def test_image_of_another_size_than_in_the_json_file(tmp_path):
    found = survey(DATASETS.build(instances(tmp_path, [SQUARE], height=5, width=3)))
    fault = 'it is 5x3 pixels, but the annotation file says 3x5'
    assert found.unreadable == {f'{tmp_path}/a.jpg': fault}
    assert not survey(DATASETS.build(instances(tmp_path, [SQUARE]))).unreadable


@pytest.mark.parametrize('limits', [{}, dict(seconds=1)])
def test_pixels_whose_id_the_json_file_lacks(tmp_path, limits):
    found = survey(DATASETS.build(panoptic(tmp_path, SEGMENTS[1:])), **limits)
    assert 'its pixels have the id 300, which no segment has' in found.unreadable[f'{tmp_path}/a.png']
    assert not survey(DATASETS.build(panoptic(tmp_path)), **limits).unreadable
    assert (IDS == 300).any()


def test_mosaics_may_have_more_segments_than_queries(tmp_path):
    """Three segments (a crowd does not count) are up to twelve in a mosaic."""
    mosaic = mosaic_of(panoptic(tmp_path))
    (line,) = mistakes(mosaic, 11)
    assert line.startswith(
        'SegmentMosaic joins 4 images of up to 3 segments: a mosaic may have 12, more than'
    )
    assert line.endswith('set num_queries to 12 or more')
    assert mistakes(mosaic, 12) == []
    assert mistakes(panoptic(tmp_path), 3) == []
    assert mistakes(mosaic, 2)[0].endswith('set num_queries to 12 or more')


def test_mosaics_of_label_maps_have_at_most_one_segment_of_each_class(tmp_path):
    mosaic = mosaic_of(write_label_maps(tmp_path, [*MAPS, {3: 12}]))
    assert mistakes(mosaic, 4) == []
    assert mistakes(mosaic, 3)[0].endswith('set num_queries to 4 or more')
