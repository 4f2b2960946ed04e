import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from small_coco import IDS, SEGMENTS, colors

from mmmaskformer.datasets import LoadPanopticAnnotations, PackSegmentInputs
from mmmaskformer.datasets.id_maps import number_segments
from mmmaskformer.functional.targets import id_map_to_segments

NUM_CLASSES = 5


def test_number_segments_by_hand():
    number = [s['id'] for s in SEGMENTS]
    expected = [[2, 2, 1, 1, 0], [2, 4, 4, 1, 0], [3, 3, 4, 1, 1]]
    assert number_segments(colors(IDS), number).tolist() == expected
    assert number_segments(colors(np.zeros((2, 3), int)), []).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert number_segments(colors([[9]]), [4, 9]).tolist() == [[2]]


@pytest.mark.parametrize('seed', range(5))
def test_number_segments_is_the_slow_way(seed):
    random = np.random.RandomState(seed)
    ids = random.choice((1 << 24) - 1, 40, replace=False) + 1
    pixels = np.concatenate([[0], ids])[random.randint(0, 41, (23, 31))]
    expected = sum((pixels == number) * place for place, number in enumerate(ids, start=1))
    np.testing.assert_array_equal(number_segments(colors(pixels), ids.tolist()), expected)


def load(tmp_path, pixels, segments=SEGMENTS, **kwargs):
    cv2.imwrite(str(tmp_path / 'a.png'), pixels)
    full = [{'isthing': True, **s} for s in segments]
    results = {'img_path': 'a.jpg', 'seg_map_path': str(tmp_path / 'a.png'), 'segments_info': full, **kwargs}
    return LoadPanopticAnnotations()(results)


def test_id_without_segment(tmp_path):
    with pytest.raises(
        ValueError, match=r'The panoptic map .*a\.png cannot be read .*have the id 70000, which no'
    ):
        load(tmp_path, colors(IDS), SEGMENTS[:3])


def test_segment_without_pixels_is_skipped_in_training_and_evaluation(tmp_path):
    sample = load(tmp_path, colors(np.where(IDS == 5, 0, IDS)))
    assert [s['id'] for s in sample['segments_info']] == [1, 2, 3]
    assert [s['area'] for s in sample['segments_info']] == [5, 2, 3]
    assert sample['gt_seg_map'].tolist() == [[0, 0, 1, 1, 0], [0, 3, 3, 1, 0], [2, 2, 3, 1, 1]]
    data = PackSegmentInputs()({**sample, 'img': np.zeros((3, 5, 3), np.uint8)})['data_samples']
    taken = id_map_to_segments(data.gt_panoptic_seg.data, data.gt_segments_info, 100)
    assert len(taken) == 2  # without the crowd


def test_missing_area_is_counted(tmp_path):
    sample = load(tmp_path, colors(IDS), [{**s, 'area': None} for s in SEGMENTS])
    assert [s['area'] for s in sample['segments_info']] == [5, 3, 2, 3]


def test_bad_maps(tmp_path):
    with pytest.raises(ValueError, match=r'a\.png is 5x3 pixels, but its image a\.jpg is 5x4'):
        load(tmp_path, colors(IDS), ori_shape=(4, 5))
    for wrong, found in (
        (IDS.astype(np.uint8), '1 channels of 8 bits'),
        (IDS.astype(np.uint16), '1 channels of 16 bits'),
        (colors(IDS).astype(np.uint16), '3 channels of 16 bits'),
        (np.dstack([colors(IDS), np.full(IDS.shape, 255, np.uint8)]), '4 channels of 8 bits'),
    ):
        with pytest.raises(ValueError, match=rf'a\.png cannot be read \(it has {found}, but ids of segments'):
            load(tmp_path, wrong)
    (tmp_path / 'b.png').write_bytes(b'no image')
    results = {'seg_map_path': str(tmp_path / 'b.png'), 'segments_info': []}
    with pytest.raises(ValueError, match=r'b\.png cannot be read \(it is not an image\): replace the file'):
        LoadPanopticAnnotations()(results)
    with pytest.raises(FileNotFoundError, match=r'The panoptic map .*c\.png does not exist: restore'):
        LoadPanopticAnnotations()({**results, 'seg_map_path': str(tmp_path / 'c.png')})
    with pytest.raises(ValueError, match=r'has no segments_info.*CocoPanopticDataset'):
        LoadPanopticAnnotations()({'seg_map_path': 'a.png'})


def test_map_of_a_palette_is_named(tmp_path):
    """OpenCV returns its colors, which would be taken for ids that no segment has."""
    image = Image.fromarray(np.array([[1, 0], [1, 1]], np.uint8), 'P')
    image.putpalette([0, 0, 0, 200, 10, 10])
    image.save(tmp_path / 'a.png')
    results = {'seg_map_path': str(tmp_path / 'a.png'), 'segments_info': []}
    with pytest.raises(ValueError, match='it has a palette, but ids of segments are stored in RGB of 8 bits'):
        LoadPanopticAnnotations()(results)


@pytest.mark.parametrize('number', [254, 255, 300])
def test_many_segments(tmp_path, number):
    """Each of them one pixel, with ids of more than 16 bits."""
    ids = np.arange(1, number + 1) * 50021
    pixels = np.zeros((20, 20), int)
    pixels.flat[:number] = ids
    cv2.imwrite(str(tmp_path / 'a.png'), colors(pixels))
    thing = {'category_id': 3, 'isthing': True, 'iscrowd': False, 'area': 1}
    segments = [{**thing, 'id': int(i)} for i in ids]
    results = {'seg_map_path': str(tmp_path / 'a.png'), 'segments_info': segments, 'ori_shape': (20, 20)}
    results['img'] = np.zeros((20, 20, 3), np.uint8)
    sample = PackSegmentInputs()(LoadPanopticAnnotations()(results))['data_samples']
    id_map = sample.gt_panoptic_seg.data
    assert id_map.dtype == (torch.uint8 if number == 254 else torch.int32)
    assert id_map.flatten()[: number + 1].tolist() == [*range(1, number + 1), 0]
    taken = id_map_to_segments(id_map, sample.gt_segments_info, NUM_CLASSES)
    assert len(taken) == number
    assert taken.masks.flatten(1).float().argmax(1).tolist() == list(range(number))
