import re

import cv2
import numpy as np
import pytest

from mmmaskformer.datasets import LoadAnnotations, LoadImageFromFile


def sample(tmp_path, **kwargs):
    return {
        'img_path': str(tmp_path / 'a.jpg'),
        'seg_map_path': str(tmp_path / 'a.png'),
        'seg_fields': [],
        'reduce_zero_label': False,
        **kwargs,
    }


def test_good_files_are_loaded_as_ever(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.full((4, 6, 3), 7, np.uint8))
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((4, 6), 2, np.uint8))
    results = LoadAnnotations()(LoadImageFromFile()(sample(tmp_path)))
    assert (results['img'] == 7).all()
    assert results['img'].shape == (4, 6, 3)
    assert (results['gt_seg_map'] == 2).all()
    assert results['seg_fields'] == ['gt_seg_map']


@pytest.mark.parametrize('content', [b'', b'not an image'])
def test_unreadable_image_is_named(tmp_path, content):
    (tmp_path / 'a.jpg').write_bytes(content)
    with pytest.raises(ValueError, match=r'The image .*a\.jpg cannot be read .*replace the file'):
        LoadImageFromFile()(sample(tmp_path))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'The image .*a\.jpg does not exist: restore'):
        LoadImageFromFile()(sample(tmp_path))
    with pytest.raises(FileNotFoundError, match=r'The label map .*a\.png does not exist: restore'):
        LoadAnnotations()(sample(tmp_path))


@pytest.mark.parametrize(
    ('damage', 'backend'),  # OpenCV fills in what is cut off, and says nothing
    [('empty', 'pillow'), ('text', 'pillow'), ('truncated', 'pillow'), ('empty', 'cv2'), ('text', 'cv2')],
)
def test_unreadable_label_map_is_named(tmp_path, damage, backend):
    good = cv2.imencode('.png', np.random.RandomState(0).randint(0, 9, (64, 64), np.uint8))[1].tobytes()
    content = {'empty': b'', 'text': b'not an image', 'truncated': good[: len(good) // 2]}[damage]
    (tmp_path / 'a.png').write_bytes(content)
    with pytest.raises(ValueError, match=r'The label map .*a\.png cannot be read .*replace the file'):
        LoadAnnotations(imdecode_backend=backend)(sample(tmp_path))


def test_label_map_of_another_size_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 6), np.uint8))
    message = re.escape(f'{tmp_path / "a.png"} is 6x4 pixels, but its image {tmp_path / "a.jpg"} is 8x4')
    with pytest.raises(ValueError, match=message):
        LoadAnnotations()(sample(tmp_path, ori_shape=(4, 8)))


def test_size_is_compared_with_the_original_image(tmp_path):
    """Test pipelines load the labels after the image was resized."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 6), np.uint8))
    results = LoadAnnotations()(sample(tmp_path, ori_shape=(4, 6), img=np.zeros((8, 12, 3), np.uint8)))
    assert results['gt_seg_map'].shape == (4, 6)


def test_colored_label_map_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(ValueError, match=r'shape \(4, 6, 3\).*single channel'):
        LoadAnnotations()(sample(tmp_path))


@pytest.mark.filterwarnings('ignore:.*reduce_zero_label.*will be deprecated:UserWarning')
def test_contradictory_reduce_zero_label(tmp_path):
    with pytest.raises(
        ValueError, match='reduce_zero_label is True in LoadAnnotations, but False in the data set'
    ):
        LoadAnnotations(reduce_zero_label=True)(sample(tmp_path))
