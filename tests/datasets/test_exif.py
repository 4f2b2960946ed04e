"""EXIF orientation: images and their ground truth lie on each other, or the mismatch is named."""

import copy
import io
import json
import pickle
import timeit

import cv2
import numpy as np
import pytest
from mmengine.registry import TRANSFORMS
from PIL import Image, ImageOps

from mmmaskformer.datasets import (
    CocoInstanceDataset,
    LoadAnnotations,
    LoadImageFromFile,
    LoadInstanceAnnotations,
    LoadPanopticAnnotations,
    read_image,
)
from mmmaskformer.datasets.image_headers import orientation_of, turn

STORED = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
SHOWN = {  # by the EXIF standard: where the first row and the first column of what is stored are to be seen
    1: [[1, 2, 3], [4, 5, 6]],  # top, left
    2: [[3, 2, 1], [6, 5, 4]],  # top, right
    3: [[6, 5, 4], [3, 2, 1]],  # bottom, right
    4: [[4, 5, 6], [1, 2, 3]],  # bottom, left
    5: [[1, 4], [2, 5], [3, 6]],  # left, top
    6: [[4, 1], [5, 2], [6, 3]],  # right, top
    7: [[6, 3], [5, 2], [4, 1]],  # right, bottom
    8: [[3, 6], [2, 5], [1, 4]],  # left, bottom
}
ORIENTATIONS = list(SHOWN)
TURNED = [orientation for orientation in SHOWN if orientation > 1]
QUARTERS = [5, 6, 7, 8]
MESSAGES = 'mmmaskformer.datasets.transforms.image_loading.print_log'


def exif(orientation):
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def encode(image, orientation, kind='PNG'):
    lossless = dict(JPEG=dict(quality=100), WEBP=dict(lossless=True)).get(kind, {})
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, exif=exif(orientation), **lossless)
    return stream.getvalue()


def write_image(path, orientation, image=STORED):
    path.write_bytes(encode(image, orientation))
    return dict(img_path=str(path), seg_fields=[], reduce_zero_label=False)


@pytest.fixture
def messages(monkeypatch):
    """What is logged by the loader."""
    logged = []
    monkeypatch.setattr(MESSAGES, lambda message, *args: logged.append(message))
    return logged


@pytest.mark.parametrize('orientation', ORIENTATIONS)
def test_orientations_as_the_standard_has_them(orientation):
    np.testing.assert_array_equal(turn(STORED, orientation), SHOWN[orientation])
    channels = np.stack([STORED, STORED + 10], axis=-1)
    np.testing.assert_array_equal(turn(channels, orientation)[..., 1], np.add(SHOWN[orientation], 10))


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
@pytest.mark.parametrize('orientation', ORIENTATIONS)
def test_orientation_of_files(kind, orientation):
    assert orientation_of(encode(STORED, orientation, kind)) == orientation


def test_orientation_beside_other_parts_of_a_jpeg():
    """Pillow writes little-endian EXIF before the rest; cameras write big-endian EXIF behind other parts."""
    stored = encode(STORED, 1, 'JPEG')
    number = b'\0\0\0\x08' + b'\0\x01' + b'\x01\x12\0\x03\0\0\0\x01\0\x06\0\0' + b'\0\0\0\0'
    block = b'Exif\0\0MM\0*' + number
    parts = b'\xff\xe1\0\x07http:' + b'\xff\xe1' + (len(block) + 2).to_bytes(2, 'big') + block
    stream = io.BytesIO()
    Image.open(io.BytesIO(stored)).save(stream, 'JPEG')  # without EXIF
    plain = stream.getvalue()
    assert orientation_of(plain) == 1
    content = plain[:2] + parts + plain[2:]
    assert orientation_of(content) == 6
    assert Image.open(io.BytesIO(content)).getexif()[0x0112] == 6


@pytest.mark.parametrize(
    'content',
    [b'', b'\xff\xd8', b'\xff\xd8\xff', b'\xff\xd8\xff\xe1\0\x08Exif\0\0', b'RIFF\0\0\0\0WEBPEXIF\xff\0\0\0'],
)
def test_broken_files_have_no_orientation(content):
    assert orientation_of(content) == 1


def test_every_cut_and_every_byte_of_a_block_is_survived():
    content = encode(STORED, 6, 'JPEG')
    head = content.index(b'Exif') + 40
    for place in range(2, head):
        assert orientation_of(content[:place]) in SHOWN
        assert orientation_of(content[:place] + b'\xff' + content[place + 1 :]) in SHOWN


def test_orientation_costs_microseconds():
    image = np.random.RandomState(0).randint(0, 256, (600, 800, 3), np.uint8)
    content = encode(image, 6, 'JPEG')
    assert min(timeit.repeat(lambda: orientation_of(content), number=100, repeat=5)) / 100 < 200e-6


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('color_type', ['color', 'grayscale', 'unchanged'])
@pytest.mark.parametrize('orientation', ORIENTATIONS)
def test_images_are_turned_as_viewers_show_them(tmp_path, orientation, color_type, backend):
    sample = write_image(tmp_path / 'a.png', orientation)
    loaded = LoadImageFromFile(color_type=color_type, imdecode_backend=backend)(sample)
    image = loaded['img'] if loaded['img'].ndim == 2 else loaded['img'][..., 0]
    np.testing.assert_array_equal(image, SHOWN[orientation])
    assert loaded['img_shape'] == loaded['ori_shape'] == image.shape


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
@pytest.mark.parametrize('orientation', TURNED)
def test_formats_as_other_readers_have_them(tmp_path, kind, orientation):
    image = np.random.RandomState(0).randint(0, 256, (4, 6, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    path = tmp_path / 'a'
    path.write_bytes(encode(image, orientation, kind))
    pillow = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert('RGB'))[..., ::-1]
    assert np.abs(read_image(str(path)).astype(int) - pillow).max() <= 2  # JPEG's decoders differ by that
    stored = np.asarray(Image.open(path).convert('RGB'))[..., ::-1]
    assert np.abs(read_image(str(path), exif='ignore').astype(int) - stored).max() <= 2
    ignoring = read_image(str(path), color_type='color_ignore_orientation')
    np.testing.assert_array_equal(ignoring, read_image(str(path), exif='ignore'))


def test_jpegs_are_decoded_as_opencv_does(tmp_path):
    image = np.random.RandomState(0).randint(0, 256, (40, 60, 3), np.uint8)
    for orientation in ORIENTATIONS:
        path = tmp_path / f'{orientation}.jpg'
        path.write_bytes(encode(image, orientation, 'JPEG'))
        np.testing.assert_array_equal(read_image(str(path)), cv2.imread(str(path)))


@pytest.mark.parametrize('orientation', ORIENTATIONS)
@pytest.mark.parametrize('drawn_on', ['stored', 'turned'])
def test_label_maps(tmp_path, messages, orientation, drawn_on):
    """A quarter shows by its size; elsewhere the setting says it, and the default warns."""
    labels = turn(STORED, orientation if drawn_on == 'turned' else 1)
    cv2.imwrite(str(tmp_path / 'labels.png'), labels)
    sample = dict(write_image(tmp_path / 'a.png', orientation), seg_map_path=str(tmp_path / 'labels.png'))
    unclear = orientation in (2, 3, 4)
    right = 'apply' if drawn_on == 'turned' else 'ignore'
    for setting in ('auto', right):
        loaded = LoadAnnotations()(LoadImageFromFile(exif=setting)(copy.deepcopy(sample)))
        if setting == 'auto' and unclear:
            np.testing.assert_array_equal(loaded['img'][..., 0], SHOWN[orientation])
        else:
            np.testing.assert_array_equal(loaded['img'][..., 0], loaded['gt_seg_map'])
    wanted = unclear or (orientation in QUARTERS and drawn_on == 'stored')
    assert len(messages) == wanted
    if wanted:
        assert all(part in messages[0] for part in ('EXIF', str(tmp_path / 'a.png'), "exif='ignore'"))


@pytest.mark.parametrize('orientation', QUARTERS)
@pytest.mark.parametrize(('drawn_on', 'setting'), [('stored', 'apply'), ('turned', 'ignore')])
def test_a_setting_that_contradicts_the_labels(tmp_path, orientation, drawn_on, setting):
    cv2.imwrite(str(tmp_path / 'labels.png'), turn(STORED, orientation if drawn_on == 'turned' else 1))
    sample = dict(write_image(tmp_path / 'a.png', orientation), seg_map_path=str(tmp_path / 'labels.png'))
    message = f"EXIF.*a.png has orientation {orientation}.*exif='{setting}' in LoadImageFromFile"
    with pytest.raises(ValueError, match=message):
        LoadImageFromFile(exif=setting)(sample)


def test_a_square_image_does_not_show_what_its_labels_were_drawn_on(tmp_path, messages):
    cv2.imwrite(str(tmp_path / 'labels.png'), np.eye(4, dtype=np.uint8))
    sample = write_image(tmp_path / 'a.png', 6, np.eye(4, dtype=np.uint8))
    LoadImageFromFile()(dict(sample, seg_map_path=str(tmp_path / 'labels.png')))
    assert len(messages) == 1


def test_warnings_are_logged_once(tmp_path, messages):
    cv2.imwrite(str(tmp_path / 'labels.png'), STORED)
    loader = LoadImageFromFile()
    for orientation in (3, 4, 2, 6, 8):
        sample = write_image(tmp_path / f'{orientation}.png', orientation)
        loader(dict(sample, seg_map_path=str(tmp_path / 'labels.png')))
    assert ['3.png' in messages[0], '6.png' in messages[1], len(messages)] == [True, True, 2]


def test_no_warning_without_ground_truth(tmp_path, messages):
    sample = write_image(tmp_path / 'a.png', 3)
    LoadImageFromFile()(dict(sample))
    LoadImageFromFile()(dict(sample, seg_map_path=str(tmp_path / 'missing.png')))
    LoadImageFromFile()(dict(sample, instances=[], listed_shape=(2, 3)))
    assert messages == []


@pytest.mark.parametrize('orientation', ORIENTATIONS)
@pytest.mark.parametrize('drawn_on', ['stored', 'turned'])
def test_panoptic_maps(tmp_path, messages, orientation, drawn_on):
    ids = turn(STORED, orientation if drawn_on == 'turned' else 1)
    cv2.imwrite(str(tmp_path / 'ids.png'), np.stack([0 * ids, 0 * ids, ids], axis=-1))
    segments = [dict(id=number, category_id=0, isthing=True, iscrowd=False, area=1) for number in range(1, 7)]
    sample = dict(
        write_image(tmp_path / 'a.png', orientation),
        seg_map_path=str(tmp_path / 'ids.png'),
        segments_info=segments,
    )
    setting = 'auto' if orientation in QUARTERS else 'apply' if drawn_on == 'turned' else 'ignore'
    loaded = LoadPanopticAnnotations()(LoadImageFromFile(exif=setting)(sample))
    np.testing.assert_array_equal(loaded['img'][..., 0], loaded['gt_seg_map'])
    assert len(messages) == (orientation in QUARTERS and drawn_on == 'stored')


def corner(shape, rows, columns):
    """An image with a bright corner, and the polygon around it."""
    image = np.zeros(shape, np.uint8)
    image[:rows, :columns] = 200
    return image, [0.0, 0.0, columns, 0.0, columns, rows, 0.0, rows]


@pytest.mark.parametrize('orientation', ORIENTATIONS)
@pytest.mark.parametrize('drawn_on', ['stored', 'turned'])
@pytest.mark.parametrize('listed', [True, False])
def test_polygons(tmp_path, messages, orientation, drawn_on, listed):
    shown, polygon = corner((12, 20), 3, 5)
    undo = {6: 8, 8: 6}.get(orientation, orientation)
    image = shown if drawn_on == 'stored' else turn(shown, undo)
    write_image(tmp_path / 'a.png', orientation, image)
    size = dict(height=12, width=20) if listed else {}
    document = dict(
        images=[dict(id=1, file_name='a.png', **size)],
        annotations=[dict(id=1, image_id=1, category_id=1, segmentation=[polygon], area=15, iscrowd=0)],
        categories=[dict(id=1, name='corner')],
    )
    (tmp_path / 'a.json').write_text(json.dumps(document))
    right = 'apply' if drawn_on == 'turned' else 'ignore'
    shows = listed and orientation in QUARTERS
    for setting in ('auto', right) if shows else (right,):
        pipeline = [LoadImageFromFile(exif=setting), LoadInstanceAnnotations()]
        loaded = CocoInstanceDataset(
            str(tmp_path / 'a.json'), data_prefix=dict(img_path=str(tmp_path)), pipeline=pipeline
        )[0]
        np.testing.assert_array_equal(loaded['img'][..., 0] == 200, loaded['gt_seg_map'] == 1)
    assert len(messages) == (shows and drawn_on == 'stored')
    if orientation > 1 and not shows:
        LoadImageFromFile()(dict(img_path=str(tmp_path / 'a.png'), instances=document['annotations']))
        assert 'EXIF' in messages[-1]


@pytest.mark.parametrize('orientation', QUARTERS)
def test_run_lengths_have_a_size(tmp_path, messages, orientation):
    sample = write_image(tmp_path / 'a.png', orientation)
    segmentation = dict(size=[2, 3], counts=[0, 6])
    loaded = LoadImageFromFile()(dict(sample, instances=[dict(segmentation=segmentation)]))
    np.testing.assert_array_equal(loaded['img'][..., 0], STORED)
    assert len(messages) == 1
    without = dict(sample, instances=[dict(segmentation=dict(size=None, counts=[0, 6]))])
    assert LoadImageFromFile()(without)['img_shape'] == (3, 2)


def test_drawing_reads_an_image_as_its_sample_was_read(tmp_path, messages):
    write_image(tmp_path / 'a.png', 6)
    np.testing.assert_array_equal(read_image(str(tmp_path / 'a.png'), (2, 3))[..., 0], STORED)
    np.testing.assert_array_equal(read_image(str(tmp_path / 'a.png'), (3, 2))[..., 0], SHOWN[6])
    assert messages == []


def test_unknown_setting():
    with pytest.raises(ValueError, match=r"exif of LoadImageFromFile is 'off'; expected one of \['auto'"):
        LoadImageFromFile(exif='off')
    with pytest.raises(ValueError, match="exif='apply' and color_type='color_ignore_orientation'"):
        LoadImageFromFile(exif='apply', color_type='color_ignore_orientation')


def test_a_loader_is_copied_and_sent():
    loader = LoadImageFromFile(exif='ignore')
    assert copy.deepcopy(loader).exif == pickle.loads(pickle.dumps(loader)).exif == 'ignore'


def test_inference_of_mmsegmentation_follows_the_setting(tmp_path):
    write_image(tmp_path / 'a.png', 6)
    config = dict(_scope_='mmmaskformer', exif='ignore')
    inferencer = TRANSFORMS.build(dict(config, type='InferencerLoader'))
    np.testing.assert_array_equal(inferencer(str(tmp_path / 'a.png'))['img'][..., 0], STORED)
    np.testing.assert_array_equal(inferencer(STORED)['img'], STORED)
    array = TRANSFORMS.build(dict(config, type='LoadImageFromNDArray'))
    np.testing.assert_array_equal(array(dict(img=STORED))['img'], STORED)
