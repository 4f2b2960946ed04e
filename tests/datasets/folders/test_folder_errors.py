"""What is wrong with a folder is said in a sentence, and what is left out is counted."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from folder_fixtures import draw_fixture
from folder_scenes import rectangle, save, save_json, save_palette
from PIL import Image

from mmmaskformer.datasets.folders import FolderError, look_at
from mmmaskformer.datasets.folders.class_lists import ListedClass, _of_line
from mmmaskformer.datasets.folders.file_tree import FileTree
from mmmaskformer.datasets.folders.pairing import pair_files
from mmmaskformer.datasets.folders.splits import assign_splits, split_of_path

GREY = np.full((8, 10, 3), 90, np.uint8)


def write_maps(root, *maps, names=None):
    for place, labels in enumerate(maps):
        save(root / 'images' / f'{place}.png', GREY)
        save(root / 'labels' / f'{place}.png', np.asarray(labels))
    if names is not None:
        (root / 'classes.txt').write_text(names)


def constant(*values, dtype=np.uint8):
    labels = np.full((8, 10), values[0], dtype)
    for place, value in enumerate(values):
        labels[place] = value
    return labels


def test_folders_that_are_not_annotated(tmp_path):
    with pytest.raises(FolderError, match='does not exist'):
        look_at(tmp_path / 'missing')
    (tmp_path / 'notes.txt').write_text('x')
    with pytest.raises(FolderError, match='1 files and no image'):
        look_at(tmp_path)
    save(tmp_path / 'a.png', GREY)
    with pytest.raises(FolderError, match='no annotations in a known format: expected label maps'):
        look_at(tmp_path)


def test_a_number_that_the_list_lacks_names_the_file(tmp_path):
    write_maps(tmp_path, constant(0, 1), constant(0, 7), names='road\ncar\n')
    with pytest.raises(
        FolderError, match=r'labels/1\.png has the number 7, but classes\.txt lists 2 classes'
    ):
        look_at(tmp_path)


def test_numbers_from_one_are_noticed_and_ambiguous_ones_noted(tmp_path):
    write_maps(tmp_path / 'one', constant(0, 1, 2), names='road\ncar\n')
    assert look_at(tmp_path / 'one').reading.index == {0: None, 1: 0, 2: 1}
    write_maps(tmp_path / 'two', constant(0, 1), names='road\ncar\ntree\n')
    found = look_at(tmp_path / 'two')
    assert found.reading.index == {0: 0, 1: 1, 2: 2}
    assert '1 of the 3 classes do not occur' in found.notes[0]


def test_classes_without_a_list(tmp_path):
    write_maps(tmp_path, constant(0, 3, 255))
    found = look_at(tmp_path)
    assert [entry.name for entry in found.classes] == ['class_0', 'class_3']
    assert found.reading.index == {0: 0, 3: 1, 255: None}


def test_numbers_spread_to_be_seen_are_classes(tmp_path):
    write_maps(tmp_path, constant(0, 85, 170, 255))
    assert look_at(tmp_path).reading.index == {0: 0, 85: 1, 170: 2, 255: 3}


def test_jpegs_and_photos_are_not_label_maps(tmp_path):
    save(tmp_path / 'a' / 'images' / '1.jpg', GREY)
    save(tmp_path / 'a' / 'masks' / '1.jpg', constant(0, 1))
    with pytest.raises(FolderError, match='is a JPEG, which alters labels'):
        look_at(tmp_path / 'a')
    photo = np.arange(40 * 40, dtype=np.uint16).reshape(40, 40)
    save(tmp_path / 'b' / 'images' / '1.png', np.zeros((40, 40, 3), np.uint8))
    save(tmp_path / 'b' / 'masks' / '1.png', photo)
    with pytest.raises(FolderError, match='1600 different numbers up to 1599'):
        look_at(tmp_path / 'b')


def test_what_does_not_fit_is_counted(tmp_path):
    write_maps(tmp_path, constant(0, 1), constant(0, 1), constant(0, 1), names='road\ncar\n')
    save(tmp_path / 'labels' / '1.png', np.zeros((4, 4), np.uint8))
    save(tmp_path / 'labels' / '9.png', constant(0))
    save(tmp_path / 'images' / '8.png', GREY)
    (tmp_path / 'labels' / '2.png').write_bytes(b'no image')
    assert look_at(tmp_path).left_out == {
        'label maps without image': 1,
        'images without label map': 1,
        'label maps that cannot be read': 1,
        'images whose label map has another size': 1,
    }


def test_an_image_turned_by_exif_fits_its_label_map(tmp_path):
    (tmp_path / 'images').mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / 'images' / '0.jpg', exif=exif)
    save(tmp_path / 'labels' / '0.png', np.zeros((10, 8), np.uint8))
    found = look_at(tmp_path)
    assert found.left_out == {}
    assert found.image_sizes == [(10, 8)]


def test_palettes_that_differ_are_read_by_their_colors(tmp_path):
    red, blue = (200, 0, 0), (0, 0, 200)
    for place, colors in enumerate(({0: red, 1: blue}, {0: blue, 1: red})):
        save(tmp_path / 'images' / f'{place}.png', GREY)
        save_palette(tmp_path / 'labels' / f'{place}.png', constant(0, 1), colors)
    (tmp_path / 'classes.csv').write_text('name,r,g,b\nred,200,0,0\nblue,0,0,200\n')
    reading = look_at(tmp_path).reading
    drawn = [reading.draw(sample)[:2, 0].tolist() for sample in reading.samples]
    assert drawn == [[0, 1], [1, 0]]


def test_a_color_that_the_list_lacks(tmp_path):
    draw_fixture('label maps of colors', tmp_path)
    text = (tmp_path / 'class_dict.csv').read_text()
    (tmp_path / 'class_dict.csv').write_text(text.replace('Void,0,0,0', ''))
    with pytest.raises(FolderError, match=r'has the color \(0, 0, 0\)'):
        look_at(tmp_path)


def test_lists_of_classes_that_differ(tmp_path):
    write_maps(tmp_path, constant(0, 1), names='road\ncar\n')
    (tmp_path / 'labels.txt').write_text('road\ntree\n')
    with pytest.raises(FolderError, match='two lists of classes that differ'):
        look_at(tmp_path)


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('road', ListedClass('road')),
        ('7 traffic light', ListedClass('traffic light', 7)),
        ('128 64 128\troad', ListedClass('road', None, (128, 64, 128))),
        ('road:128,64,128::', ListedClass('road', None, (128, 64, 128))),
        ('road 128 64 128', ListedClass('road', None, (128, 64, 128))),
    ],
)
def test_lines_of_class_lists(line, expected):
    assert _of_line(line) == expected


def test_boxes_alone_are_refused(tmp_path):
    save(tmp_path / 'a.png', GREY)
    box = dict(id=1, image_id=1, category_id=1, bbox=[0, 0, 3, 3], segmentation=[])
    images = [dict(id=1, file_name='a.png', height=8, width=10)]
    save_json(
        tmp_path / 'coco.json', dict(images=images, annotations=[box], categories=[dict(id=1, name='x')])
    )
    with pytest.raises(FolderError, match='boxes and no outlines'):
        look_at(tmp_path)


def test_ids_of_categories_that_differ_between_files(tmp_path):
    """Category 1 is a tree in one file and a car in the other: names count."""
    draw_fixture('coco instance', tmp_path / 'data')
    path = tmp_path / 'data' / 'annotations' / 'instances_val2017.json'
    content = json.loads(path.read_text())
    for entry in content['categories']:
        entry['id'] = 3 - entry['id']
    for entry in content['annotations']:
        entry['category_id'] = 3 - entry['category_id']
    path.write_text(json.dumps(content))
    prepared = look_at(tmp_path / 'data').prepare(tmp_path / 'out')
    assert prepared.dataset('train')['ann_file'] == 'annotations/instances_train2017.json'  # in place
    written = json.loads((tmp_path / 'out' / 'val.json').read_text())
    names = {entry['id']: entry['name'] for entry in written['categories']}
    assert names == {1: 'tree', 2: 'car'}
    first = [names[entry['category_id']] for entry in written['annotations'] if entry['image_id'] == 1]
    assert first[:3] == ['car', 'car', 'tree']


def test_missing_images_of_coco_are_counted(tmp_path):
    draw_fixture('coco panoptic', tmp_path)
    (tmp_path / 'train2017' / 'c.3.jpg').unlink()
    found = look_at(tmp_path)
    assert found.left_out == {'images that the annotation file names and the folder lacks': 1}
    assert found.splits['train'].num_images == 5
    shutil.rmtree(tmp_path / 'train2017')
    with pytest.raises(FolderError, match=r'names 6 images, such as a 1\.jpg, and none of them'):
        look_at(tmp_path)


def test_shapes_without_area_and_far_outside(tmp_path):
    draw_fixture('labelme', tmp_path)
    path = tmp_path / 'e5.json'
    content = json.loads(path.read_text())
    content['shapes'] += [
        dict(label='car', shape_type='line', points=[[1, 1], [5, 5]]),
        dict(label='car', shape_type='polygon', points=rectangle(900, 0, 950, 40)),
        dict(label='car', shape_type='polygon', points=rectangle(70, 70, 80, 80)),
    ]
    path.write_text(json.dumps(content))
    assert look_at(tmp_path).left_out == {
        'shapes without area (boxes, lines, points)': 1,
        'objects whose outline cannot be drawn': 1,
        'objects whose outline covers no pixel': 1,
    }


def test_a_class_that_is_not_listed(tmp_path):
    draw_fixture('labelme', tmp_path)
    (tmp_path / 'labels.txt').write_text('tree\n')
    with pytest.raises(FolderError, match="has an object of the class 'car', which is not one of the 1"):
        look_at(tmp_path)


@pytest.mark.parametrize(
    'text', ['9 0.1 0.1 0.5 0.1 0.5 0.5', 'car 0.1 0.1 0.5 0.1 0.5 0.5', '0 0.1 0.1 0.5']
)
def test_lines_of_yolo_that_are_not_polygons(tmp_path, text):
    draw_fixture('yolo', tmp_path)
    (tmp_path / 'labels' / 'train' / 'e5.txt').write_text(f'{text}\n')
    with pytest.raises(FolderError, match=r'e5\.txt:1 '):
        look_at(tmp_path)


def test_tracks_of_a_video_are_refused(tmp_path):
    save(tmp_path / 'a.png', GREY)
    (tmp_path / 'annotations.xml').write_text('<annotations><track id="0"/></annotations>')
    with pytest.raises(FolderError, match='tracks of a video'):
        look_at(tmp_path)


def test_objects_as_label_maps(tmp_path):
    drawn = draw_fixture('cvat', tmp_path / 'data')
    found = look_at(tmp_path / 'data', task='semantic')
    assert [entry.name for entry in found.classes] == ['background', 'tree', 'car']
    sample = found.reading.samples[0]
    expected = np.zeros(sample.size, int)
    for label, mask in drawn.masks['a 1']:
        expected[mask] = label + 1
    np.testing.assert_array_equal(found.reading.draw(sample), expected)


def test_prepared_folders_are_not_looked_at_again(tmp_path):
    draw_fixture('label maps of colors', tmp_path)
    first = look_at(tmp_path)
    first.prepare(tmp_path / 'prepared', workers=1)
    again = look_at(tmp_path)
    assert (again.splits, again.left_out) == (first.splits, {})


def test_conversion_goes_on_and_notices_other_classes(tmp_path):
    draw_fixture('label maps of colors', tmp_path / 'data')
    out = tmp_path / 'out'
    look_at(tmp_path / 'data').prepare(out, workers=1)
    (folder,) = (path for path in out.iterdir() if path.is_dir())
    files = sorted(path for path in folder.rglob('*.png'))
    files[0].unlink()
    before = files[1].stat().st_mtime_ns
    look_at(tmp_path / 'data').prepare(out, workers=1)
    assert files[0].exists()
    assert files[1].stat().st_mtime_ns == before
    path = tmp_path / 'data' / 'class_dict.csv'
    lines = path.read_text().splitlines()
    path.write_text('\n'.join([lines[0], lines[2], lines[1], *lines[3:]]))
    look_at(tmp_path / 'data').prepare(out, workers=1)
    assert len([path for path in out.iterdir() if path.is_dir()]) == 2


def test_the_split_depends_on_names_and_seed_alone():
    samples = [type('Sample', (), dict(image=f'{number}.png', split='all'))() for number in range(10)]
    names = [s.image for s in assign_splits(samples, 0.3, 1)['val']]
    assert len(names) == 3
    assert [s.image for s in assign_splits(samples[::-1], 0.3, 1)['val']] == names
    assert [s.image for s in assign_splits(samples, 0.3, 2)['val']] != names


def test_splits_of_folders():
    assert split_of_path('images/validation/street/0001.jpg') == 'val'
    assert split_of_path('train2017/1.jpg') == 'train'
    assert split_of_path('training_set/1.jpg') == 'train'
    assert split_of_path('trainval/1.jpg') is None


def test_same_names_in_subfolders(tmp_path):
    for folder in ('berlin', 'paris'):
        save(tmp_path / 'images' / folder / '1.png', GREY)
        save(tmp_path / 'labels' / folder / '1.png', constant(0))
    pairs = pair_files(FileTree(tmp_path)).maps
    assert pairs == {f'images/{city}/1.png': [f'labels/{city}/1.png'] for city in ('berlin', 'paris')}
