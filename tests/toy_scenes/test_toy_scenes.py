"""The toy data set: what is drawn, what is written, and what training reads of it."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope

from mmmaskformer.datasets.toy import CATEGORIES, CATEGORY_IDS, ToyDataset
from mmmaskformer.toy_scenes import Scene, ToyRecipe, draw_scene, write_toy
from mmmaskformer.toy_scenes.scene import remove_slivers
from mmmaskformer.toy_scenes.writer import color_segments, describe_segments

ROOT = Path(__file__).parents[2]
RECIPE = ToyRecipe(num_training=5, num_validation=3, height=96, width=128, seed=3)


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp('toy') / 'data'
    assert write_toy(root, RECIPE)
    return root


def draw(seed, index=0, **size):
    return draw_scene(np.random.default_rng([seed, 0, index]), **size)


def read(path):
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None, path
    return image


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob('*') if path.is_file()}


def test_a_seed_decides_the_scene():
    first, again, other = draw(1), draw(1), draw(2)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.segments, again.segments)
    assert (first.image != other.image).mean() > 0.5


def test_number_of_workers_and_of_scenes_changes_no_byte(toy, tmp_path):
    write_toy(tmp_path / 'one', RECIPE, num_workers=1)
    assert contents(tmp_path / 'one') == contents(toy)
    fewer = ToyRecipe(**{**vars(RECIPE), 'num_training': 2})
    write_toy(tmp_path / 'fewer', fewer, num_workers=3)
    path = Path('images', 'training', '00001.jpg')
    assert (tmp_path / 'fewer' / path).read_bytes() == (toy / path).read_bytes()


def test_training_and_validation_scenes_differ(toy):
    assert (toy / 'images/training/00000.jpg').read_bytes() != (
        toy / 'images/validation/00000.jpg'
    ).read_bytes()


def test_every_class_and_unlabeled_pixels_occur():
    counts = sum(np.bincount(draw(0, index).labels.ravel(), minlength=11) for index in range(20))
    shares = counts / counts.sum()
    assert shares.shape == (len(CATEGORIES) + 1,)
    assert shares[1:].min() > 0.005
    assert 0.01 < shares[0] < 0.1


def test_stuff_is_one_segment_and_things_are_many():
    categories = [draw(0, index).categories for index in range(20)]
    most = [max(scene.count(number) for scene in categories) for number in CATEGORY_IDS.values()]
    assert all(count == 1 for count, category in zip(most, CATEGORIES) if not category.isthing)
    assert sum(count > 1 for count, category in zip(most, CATEGORIES) if category.isthing) >= 3


def test_outlines_and_slivers_become_unlabeled():
    segments = np.ones((12, 12), dtype=np.int32)
    segments[:, 4:] = 2
    segments[11, 11] = 3
    cleaned, categories = remove_slivers(segments, [7, 5, 9], smallest=2)
    expected = np.ones((12, 12), dtype=np.int32)
    expected[:, 4:] = 2
    expected[:, 4] = 0  # the outline between 1 and 2
    expected[11, 11] = 0  # too small
    np.testing.assert_array_equal(cleaned, expected)
    assert categories == (7, 5)


def hand_drawn():
    segments = np.array([[0, 1, 1, 2, 2], [0, 1, 0, 2, 3], [3, 3, 3, 3, 3]], dtype=np.int32)
    return Scene(np.zeros((3, 5, 3), dtype=np.uint8), segments, (1, 6, 6))


def test_labels_of_a_hand_drawn_scene():
    np.testing.assert_array_equal(hand_drawn().labels, [[0, 1, 1, 6, 6], [0, 1, 0, 6, 6], [6, 6, 6, 6, 6]])


def test_areas_and_boxes_of_a_hand_drawn_scene():
    scene = hand_drawn()
    ids, colors = color_segments(scene)
    assert describe_segments(scene, ids) == [
        dict(id=ids[0], category_id=1, area=3, bbox=[1, 0, 2, 2], iscrowd=0),
        dict(id=ids[1], category_id=6, area=3, bbox=[3, 0, 2, 2], iscrowd=0),
        dict(id=ids[2], category_id=6, area=6, bbox=[0, 1, 5, 2], iscrowd=0),
    ]
    red, green, blue = (int(value) for value in colors[2, 0])
    assert red + 256 * green + 65536 * blue == ids[2]
    assert colors[0, 0].tolist() == [0, 0, 0]


def test_many_segments_get_ids_of_their_own():
    categories = tuple(CATEGORY_IDS[name] for name in ('car', 'ball', 'tree') for _ in range(27))
    segments = np.arange(1, len(categories) + 1, dtype=np.int32)[None]
    ids, _ = color_segments(Scene(np.zeros((1, len(categories), 3), dtype=np.uint8), segments, categories))
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0


@pytest.mark.parametrize('split', ['training', 'validation'])
def test_panoptic_files_agree_with_the_label_maps(toy, split):
    document = json.loads((toy / f'panoptic_{split}.json').read_text())
    assert len(document['images']) == len(document['annotations']) == RECIPE.splits[split]
    assert [category['id'] for category in document['categories']] == list(range(1, 11))
    assert sum(category['isthing'] for category in document['categories']) == 6
    for image, annotation in zip(document['images'], document['annotations']):
        assert image['id'] == annotation['image_id']
        assert read(toy / 'images' / split / image['file_name']).shape == (image['height'], image['width'], 3)
        labels = read(toy / 'annotations' / split / annotation['file_name'])
        ids = read(toy / f'panoptic_{split}' / annotation['file_name'])[..., ::-1].astype(int) @ (
            1,
            256,
            65536,
        )
        described = np.zeros_like(labels)
        for segment in annotation['segments_info']:
            mask = ids == segment['id']
            described[mask] = segment['category_id']
            left, top, width, height = segment['bbox']
            assert mask.sum() == segment['area'] == mask[top : top + height, left : left + width].sum() > 0
        np.testing.assert_array_equal(described, labels)
        np.testing.assert_array_equal(ids == 0, labels == 0)


def test_dataset_reduces_the_zero_label(toy):
    init_default_scope('mmseg')
    dataset = ToyDataset(
        data_root=str(toy),
        data_prefix=dict(img_path='images/validation', seg_map_path='annotations/validation'),
        pipeline=[dict(type=name) for name in ('LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs')],
    )
    assert len(dataset) == RECIPE.num_validation
    assert dataset.metainfo['classes'] == tuple(category.name for category in CATEGORIES)
    assert dataset.metainfo['palette'] == [list(category.color) for category in CATEGORIES]
    packed = dataset[1]
    on_disk = read(toy / 'annotations/validation/00001.png').astype(int)
    loaded = packed['data_samples'].gt_sem_seg.data.numpy()[0]
    np.testing.assert_array_equal(loaded, np.where(on_disk == 0, 255, on_disk - 1))
    assert packed['inputs'].shape == (3, RECIPE.height, RECIPE.width)


def test_a_complete_data_set_is_kept(toy):
    before = {path: path.stat().st_mtime_ns for path in toy.rglob('*')}
    assert not write_toy(toy, RECIPE)
    assert {path: path.stat().st_mtime_ns for path in toy.rglob('*')} == before


def test_another_data_set_is_not_overwritten(toy):
    with pytest.raises(FileExistsError, match=f'{toy} holds another toy data set .seed 3 instead of 4.'):
        write_toy(toy, ToyRecipe(**{**vars(RECIPE), 'seed': 4}))


def test_an_incomplete_data_set_is_an_error(tmp_path):
    write_toy(tmp_path / 'toy', RECIPE)
    (tmp_path / 'toy/annotations/training/00002.png').unlink()
    with pytest.raises(FileExistsError, match=r'incomplete: annotations/training/00002\.png is missing'):
        write_toy(tmp_path / 'toy', RECIPE)


def test_a_folder_of_something_else_is_an_error(tmp_path):
    (tmp_path / 'thesis.txt').write_text('do not lose me')
    with pytest.raises(FileExistsError, match='holds no toy data set'):
        write_toy(tmp_path, RECIPE)
    assert (tmp_path / 'thesis.txt').read_text() == 'do not lose me'


def test_an_interrupted_run_leaves_no_files(tmp_path, monkeypatch):
    def stop(self, split, index):
        raise KeyboardInterrupt

    monkeypatch.setattr(ToyRecipe, 'draw', stop)
    with pytest.raises(KeyboardInterrupt):
        write_toy(tmp_path / 'toy', RECIPE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('setting', [dict(num_training=0), dict(height=20), dict(seed=-1)])
def test_impossible_recipes(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        ToyRecipe(**setting)


def test_command_line_names_the_folder(toy, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['toy.py', '--out', str(toy), '--num-training', '4'])
    with pytest.raises(SystemExit, match='num_training 5 instead of 4') as stopped:
        runpy.run_path(str(ROOT / 'tools/dataset_converters/toy.py'), run_name='__main__')
    assert str(toy) in stopped.value.code


def test_color_alone_does_not_tell_the_class():
    """The best guess for every color (16 steps a channel, as counted over 30 scenes) stays below 40 mIoU."""

    def colors_and_labels(scenes):
        scenes = list(scenes)
        bins = [(scene.image // 16).astype(int) @ (1, 16, 256) for scene in scenes]
        labels = np.concatenate([scene.labels.ravel() for scene in scenes])
        labeled = labels > 0
        return np.concatenate(bins, axis=None)[labeled], labels[labeled] - 1

    bins, labels = colors_and_labels(draw(5, index) for index in range(30))
    counts = np.bincount(bins * 10 + labels, minlength=4096 * 10).reshape(4096, 10)
    bins, labels = colors_and_labels(draw(6, index) for index in range(12))
    confusion = np.bincount(labels * 10 + counts.argmax(1)[bins], minlength=100).reshape(10, 10)
    hits = np.diag(confusion)
    iou = hits / (confusion.sum(0) + confusion.sum(1) - hits)
    assert iou.mean() < 0.4, iou
    things = [number for number, category in enumerate(CATEGORIES) if category.isthing]
    assert iou[things].mean() < 0.3, iou
