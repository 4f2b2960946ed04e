"""Names of classes from files beside label maps of numbers."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from mmmaskformer.datasets.folders import look_at

NAMES = ('sky', 'road', 'car')
IMAGES = [dict(id=1, file_name='0.jpg')]


def draw(root, values):
    """Two images whose label maps hold these numbers, one a column."""
    labels = np.repeat(np.array(values, np.uint8), 8)[None].repeat(16, 0)
    for place in range(2):
        for kind, suffix, pixels in (
            ('images', 'jpg', np.zeros((*labels.shape, 3), np.uint8)),
            ('labels', 'png', labels),
        ):
            (root / kind).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / kind / f'{place}.{suffix}'), pixels)
    return root


def coco(first=0, **annotation):
    categories = [dict(id=place, name=name, isthing=0) for place, name in enumerate(NAMES, start=first)]
    return json.dumps(
        dict(
            images=IMAGES,
            categories=categories,
            annotations=[dict(image_id=1, category_id=first, **annotation)],
        )
    )


LAST_IS_VOID = {0: 0, 1: 1, 2: None}
CVAT_COLORS = '# label:color_rgb:parts:actions\nsky:1,2,3::\nroad:4,5,6::\nvoid:0,0,0::\n'
YAML = f'names: {list(NAMES)}\n'
PANOPTIC, INSTANCE = coco(file_name='0.png', segments_info=[]), coco(1, segmentation=[[1, 1, 5, 1, 5, 5]])


@pytest.mark.parametrize(
    ('values', 'file', 'content', 'classes', 'index'),
    [
        ((0, 1, 2), 'panoptic.json', PANOPTIC, NAMES, {0: 0, 1: 1, 2: 2}),
        ((0, 1, 2, 3), 'panoptic.json', PANOPTIC, NAMES, {0: 0, 1: 1, 2: 2, 3: None}),
        ((1, 2, 255), 'panoptic.json', PANOPTIC, NAMES, {0: 0, 1: 1, 2: 2, 255: None}),
        ((0, 1, 3), 'instances.json', INSTANCE, ('background', *NAMES), {0: 0, 1: 1, 2: 2, 3: 3}),
        ((0, 2, 3), 'dataset.yaml', YAML, NAMES, {0: 0, 1: 1, 2: 2, 3: None}),
        ((0, 2, 5, 6), 'dataset.yaml', YAML, ('class_0', 'class_2', 'class_5', 'class_6'), None),
        ((0, 1, 2), 'label_colors.txt', '1 2 3 sky\n4 5 6 road\n7 8 9 Void\n', NAMES[:2], LAST_IS_VOID),
        ((0, 1, 2), 'codes.txt', 'sky\nroad\nUnlabelled\n', NAMES[:2], LAST_IS_VOID),
        ((0, 1, 2), 'labelmap.txt', CVAT_COLORS, NAMES[:2], LAST_IS_VOID),
    ],
)
def test_names_of_files_beside_label_maps(values, file, content, classes, index, tmp_path):
    root = draw(tmp_path, values)
    (root / file).write_text(content)
    found = look_at(root, 'semantic')
    assert tuple(entry.name for entry in found.classes) == classes
    if index is not None:
        assert found.reading.index == index
    if file.endswith(('json', 'yaml')):
        assert (f'Names of the classes are those of {file}' in ' '.join(found.notes)) == (index is not None)


def test_files_that_contradict_each_other_name_nothing(tmp_path):
    root = draw(tmp_path, (0, 1, 2))
    (root / 'one.yaml').write_text(YAML)
    (root / 'two.yaml').write_text('names: [car, road, sky]\n')
    assert [entry.name for entry in look_at(root).classes] == ['class_0', 'class_1', 'class_2']


def test_camvid_has_its_names(shared):
    found = look_at(shared / 'data/camvid', 'semantic')
    assert [entry.name for entry in found.classes] == [
        'sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign symbol', 'fence', 'car', 'pedestrian',
        'bicyclist',
    ]  # fmt: skip
    assert found.reading.index[11] is None
    assert any(note.endswith('11 is not among them, and taken as unlabeled.') for note in found.notes)
