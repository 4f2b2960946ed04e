"""Label maps are written in the numbers of a data set's files, and read back equal."""

import cv2
import numpy as np
import pytest

from mmmaskformer.datasets.transforms.label_map_loading import LoadAnnotations
from mmmaskformer.evaluation.prediction_files import number_labels, write_image


@pytest.mark.parametrize(
    ('num_classes', 'reduced', 'dtype', 'largest', 'void'),
    [
        (2, False, np.uint8, 1, 255),
        (2, True, np.uint8, 2, 0),
        (255, False, np.uint8, 254, 255),
        (256, False, np.uint16, 255, 65535),
        (255, True, np.uint8, 255, 0),
        (256, True, np.uint16, 256, 0),
        (847, False, np.uint16, 846, 65535),
    ],
)
def test_numbers(num_classes, reduced, dtype, largest, void):
    labels = np.array([[0, num_classes - 1, 65535, -1, num_classes]])
    numbers = number_labels(labels, num_classes, reduced)
    assert numbers.dtype == dtype
    assert numbers.tolist() == [[int(reduced), largest, void, void, void]]


def test_a_part_of_the_classes_has_the_numbers_of_the_files():
    """Classes 0 and 1 are 7 and 300 in the files (3 as well, but 7 was there first: the smallest counts)."""
    label_map = {0: 255, 3: 0, 7: 0, 300: 1}
    assert number_labels(np.array([[0, 1]]), 2, label_map=label_map).tolist() == [[3, 300]]
    assert number_labels(np.array([[0, 1, 9]]), 2, True, label_map).tolist() == [[4, 301, 0]]


@pytest.mark.parametrize('reduced', [False, True])
@pytest.mark.parametrize('num_classes', [1, 19, 254, 300, 847])
def test_the_loader_of_ground_truth_reads_the_same_classes(tmp_path, num_classes, reduced):
    labels = np.random.default_rng(0).integers(0, num_classes, (40, 30))
    path = write_image(number_labels(labels, num_classes, reduced), tmp_path / 'a' / 'straße.png')
    results = dict(seg_map_path=str(path), reduce_zero_label=reduced, seg_fields=[])
    assert (LoadAnnotations()(results)['gt_seg_map'] == labels).all()


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / 'a').touch()
    with pytest.raises(OSError, match='a'):
        write_image(np.zeros((2, 2), np.uint8), tmp_path / 'a' / 'b.png')


def test_images_are_written_as_they_are(tmp_path):
    image = np.random.default_rng(0).integers(0, 65536, (5, 4)).astype(np.uint16)
    assert (cv2.imread(str(write_image(image, tmp_path / 'x.png')), cv2.IMREAD_UNCHANGED) == image).all()
