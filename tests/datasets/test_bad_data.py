"""Damage that data sets meet, one kind after the other; tests/soak draws it by the thousand."""

import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.dataset import Compose
from mmengine.registry import TRANSFORMS, DefaultScope
from small_coco import CATEGORIES, IDS, SEGMENTS, colors, document, write_image, write_json

from mmmaskformer.datasets import CocoPanopticDataset, LoadAnnotations, LoadImageFromFile
from mmmaskformer.datasets.file_checks import check_complete
from mmmaskformer.datasets.segmentations import draw_segmentation, run_lengths
from mmmaskformer.evaluation.prediction_files import write_id_png
from mmmaskformer.file_names import opencv_path
from mmmaskformer.inference.video import open_video

NOISE = np.random.RandomState(0).randint(0, 256, (24, 32, 3), np.uint8)
LOADING = [{'type': 'mmmaskformer.LoadImageFromFile'}, {'type': 'mmmaskformer.LoadAnnotations'}]


def encoded(pixels, suffix='.png'):
    return cv2.imencode(suffix, pixels)[1].tobytes()


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_every_cut_is_noticed(suffix):
    """Whatever the decoder: OpenCV 4 fills the rest with gray."""
    content = encoded(NOISE, suffix)
    check_complete(content)
    check_complete(content + b'bytes behind the end')
    for length in range(8, len(content)):
        with pytest.raises(ValueError, match='cut off'):
            check_complete(content[:length])


def test_every_changed_byte_of_a_png_is_noticed():
    content = encoded(NOISE[:6, :6])
    for place in range(8, len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r'cut off|changed'):
            check_complete(bytes(changed))


def test_preview_inside_a_jpeg_is_not_its_end():
    """Cameras put a small JPEG, with an end of its own, before the image."""
    content, preview = encoded(NOISE, '.jpg'), encoded(NOISE[:8, :8], '.jpg')
    held = content[:2] + b'\xff\xe1' + struct.pack('>H', len(preview) + 2) + preview + content[2:]
    check_complete(held)
    with pytest.raises(ValueError, match='cut off'):
        check_complete(held[: len(preview) + 60])


def test_text_of_a_png_may_be_damaged():
    content = encoded(NOISE)
    comment = struct.pack('>I', 3) + b'tEXt' + b'abc' + struct.pack('>I', zlib.crc32(b'tEXt') ^ 1)
    check_complete(content[:33] + comment + content[33:])


@pytest.mark.parametrize(('suffix', 'loader'), [('.jpg', LoadImageFromFile), ('.png', LoadAnnotations)])
def test_damaged_file_is_named(tmp_path, suffix, loader):
    path = tmp_path / f'a{suffix}'
    path.write_bytes(encoded(NOISE[..., 0], suffix)[:-30])
    info = dict(img_path=str(path), seg_map_path=str(path), reduce_zero_label=False, seg_fields=[])
    with pytest.raises(ValueError, match=rf'{re.escape(str(path))} cannot be read \(it is cut off'):
        loader()(info)


def test_ignore_empty_still_means_none(tmp_path):
    assert LoadImageFromFile(ignore_empty=True)(dict(img_path=str(tmp_path / 'absent.jpg'))) is None


def test_labels_are_no_jpeg(tmp_path):
    (tmp_path / 'a.png').write_bytes(encoded(NOISE[..., 0] // 60, '.jpg'))
    info = dict(seg_map_path=str(tmp_path / 'a.png'), reduce_zero_label=False, seg_fields=[])
    with pytest.raises(ValueError, match=r'a\.png cannot be read \(it is a JPEG, which alters labels'):
        LoadAnnotations()(info)


@pytest.mark.parametrize(
    'name', ['zwölf Straßen', 'cafe\u0301', '街道 写真', '🚦', "it's {0} %s\t", 'byte\udce9']
)
def test_any_name_of_a_file_will_do(tmp_path, name):
    write_image(tmp_path)
    folder = tmp_path / name
    folder.mkdir()
    (tmp_path / 'a.jpg').rename(folder / 'a.jpg')
    (tmp_path / 'a.png').rename(folder / 'a.png')
    (folder / 'a.png').rename(folder / f'{name}.png')
    content = document()
    content['annotations'][0]['file_name'] = f'{name}.png'
    dataset = CocoPanopticDataset(
        ann_file=write_json(folder, content),
        data_prefix=dict(img_path=str(folder), seg_map_path=str(folder)),
        pipeline=[LOADING[0], {'type': 'mmmaskformer.LoadPanopticAnnotations'}],
    )
    assert (dataset[0]['gt_seg_map'] > 0).sum() == (IDS > 0).sum()


def test_mmseg_replaces_our_loader_by_its_own():
    """What MMSegmentation's inference does to a test pipeline, whose loader is ours by its scope."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        loader = TRANSFORMS.build(dict(type='LoadImageFromFile', _scope_='mmmaskformer'))
        assert type(loader) is LoadImageFromFile
        inferencer = TRANSFORMS.build(dict(type='InferencerLoader', _scope_='mmmaskformer'))
        assert type(inferencer.from_file) is LoadImageFromFile
        array = Compose([dict(type='LoadImageFromNDArray', _scope_='mmmaskformer')])(dict(img=NOISE))
    assert array['img_path'] is None
    assert inferencer(NOISE)['ori_shape'] == (24, 32)


JSON_FAULTS = [
    (('images',), 'x', "images is 'x', expected a list"),
    (('images', 0), 7, 'images[0] is 7, expected an object with id, file_name'),
    (('images', 0, 'file_name'), 5, 'images[0] has file_name=5, expected text'),
    (('images', 0, 'id'), [1], 'images[0] has id=[1], expected a whole number or text'),
    (('annotations', 0, 'segments_info'), {}, 'annotations[0] has segments_info={}, expected a list'),
    (('annotations', 0, 'segments_info', 2, 'id'), 'x', "info[2] has id='x', expected a whole number"),
    (('annotations', 0, 'segments_info', 1, 'iscrowd'), 2, 'segments_info[1] has iscrowd=2, expected 0 or 1'),
    (('categories', 0, 'name'), 4, 'has name=4, expected text'),
    (('categories', 0, 'color'), [1, 2], 'has color=[1, 2], expected red, green and blue'),
    (('categories',), None, 'the categories are None, expected a list'),
]  # fmt: skip


@pytest.mark.parametrize(('place', 'value', 'message'), JSON_FAULTS, ids=lambda part: str(part)[:40])
def test_wrong_types_in_json(tmp_path, place, value, message):
    content = {**document([dict(s) for s in SEGMENTS]), 'categories': [dict(c) for c in CATEGORIES]}
    target = content
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    path = write_json(tmp_path, content)
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        CocoPanopticDataset(ann_file=path)
    assert path in str(error.value)


def test_nesting_without_end(tmp_path):
    (tmp_path / 'a.json').write_text('[' * 100_000)
    with pytest.raises(ValueError, match=r'a\.json is not JSON'):
        CocoPanopticDataset(ann_file=str(tmp_path / 'a.json'))


@pytest.mark.parametrize(
    ('outline', 'message'),
    [
        ([[1, 1, 3, 3, 5]], 'not a list x, y, x, y, ... of three corners'),
        ([[1, 1, float('nan'), 3, 5, 5]], 'corners that are not numbers'),
        ([[1, 1, None, 3, 5, 5]], 'corners that are not numbers'),
        ([[dict(x=1, y=1)] * 4], 'not a list x, y, x, y, ... of three corners'),
        ([[1, 1, 1e9, 3, 5, 5]], 'far outside the image of 6x4 pixels'),
        (dict(size=[4, 6], counts=[3, 4]), 'do not sum up to the 24 pixels'),
        (dict(size=[4, 6], counts=[30, -6]), 'do not sum up'),
        (dict(size=[4, 6], counts='o' * 9), 'not compressed run lengths'),
        (dict(size=[4, 6], counts='ü'), 'not compressed run lengths'),
        (dict(size=[4, 6]), 'its counts are None'),
        (dict(counts=[24]), 'its size is None'),
    ],
)
def test_outlines_that_cannot_be_drawn(outline, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        draw_segmentation(outline, (4, 6))


@pytest.mark.parametrize('speck', [[1, 1, 3, 3], [], [2, 2]])  # COCO's own code takes the first for a box
def test_polygons_of_less_than_three_corners_have_no_pixel(speck):
    square = [1, 1, 3, 1, 3, 3, 1, 3]
    assert not draw_segmentation([speck], (4, 6)).any()
    assert draw_segmentation([speck, square], (4, 6)).sum() == 4
    assert (draw_segmentation([square, speck], (4, 6)) == draw_segmentation([square], (4, 6))).all()


def test_one_polygon_without_its_list_and_as_pairs():
    expected = draw_segmentation([[1, 1, 4, 1, 4, 3, 1, 3]], (4, 6))
    assert expected.sum() == 6
    assert (draw_segmentation([1, 1, 4, 1, 4, 3, 1, 3], (4, 6)) == expected).all()
    pairs = [[1, 1], [4, 1], [4, 3], [1, 3]]
    assert (draw_segmentation(pairs, (4, 6)) == expected).all()
    assert (draw_segmentation([pairs], (4, 6)) == expected).all()
    assert (draw_segmentation([pairs[:2], pairs, pairs], (4, 6)) == expected).all()


def test_run_lengths_as_floats():
    runs = dict(size=[4.0, 6.0], counts=[4.0, 8.0, 12.0])
    assert draw_segmentation(runs, (4, 6)).sum(axis=0).tolist() == [0, 4, 4, 0, 0, 0]


def test_compressed_run_lengths():
    from pycocotools import mask as coco_masks

    for seed in range(20):
        mask = np.random.RandomState(seed).rand(40, 50) < seed / 19
        text = coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))['counts']
        assert sum(run_lengths(text)) == mask.size
        assert (draw_segmentation(dict(size=[40, 50], counts=text.decode()), (40, 50)) == mask).all()
    with pytest.raises(ValueError, match=r'cut off|sum up'):
        draw_segmentation(dict(size=[40, 50], counts='P1'), (40, 50))


def test_names_that_end_opencv(tmp_path):
    """OpenCV crashes where it cannot encode a name."""
    path = tmp_path / 'byte\udce9.mp4'
    path.write_bytes(b'no video')
    for use in (open_video, opencv_path, lambda place: write_id_png(np.zeros((2, 3), int), Path(place))):
        with pytest.raises(ValueError, match='is not UTF-8, which OpenCV needs: rename'):
            use(str(path))


def test_id_of_no_segment_is_named_with_the_file(tmp_path):
    write_image(tmp_path)
    cv2.imwrite(str(tmp_path / 'a.png'), colors(np.where(IDS == 5, 6, IDS)))
    dataset = CocoPanopticDataset(
        ann_file=write_json(tmp_path, document()),
        data_prefix=dict(img_path=str(tmp_path), seg_map_path=str(tmp_path)),
        pipeline=[LOADING[0], {'type': 'mmmaskformer.LoadPanopticAnnotations'}],
    )
    with pytest.raises(ValueError, match=r'a\.png cannot be read \(its pixels have the id 6'):
        dataset[0]
