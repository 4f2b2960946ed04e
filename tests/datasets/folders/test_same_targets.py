"""One data set in five formats gives the same targets, to the byte."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from coco_folders import coco_run_lengths
from folder_scenes import save, save_json, save_palette, scenes
from mmengine.registry import DATASETS, init_default_scope

from mmmaskformer.datasets import CamVidDataset
from mmmaskformer.datasets.folders import look_at

NAMES, PALETTE = CamVidDataset.METAINFO['classes'], CamVidDataset.METAINFO['palette']
VOID = 11


def write_numbers(root, stem, labels):
    save(root / 'ann' / 'train' / f'{stem}.png', labels)
    (root / 'classes.txt').write_text('\n'.join([*NAMES, 'void']))


def write_palette(root, stem, labels):
    colors = dict(enumerate([*map(tuple, PALETTE), (0, 0, 0)]))
    save_palette(root / 'masks' / 'train' / f'{stem}_mask.png', labels, colors)
    (root / 'labels.txt').write_text('\n'.join([*NAMES, 'unlabeled']))


def write_colors(root, stem, labels):
    colors = np.array([*PALETTE, (0, 0, 0)], np.uint8)[labels]
    save(root / 'train_labels' / f'{stem}_L.png', colors[..., ::-1])
    lines = [f'{r} {g} {b}\t{name}' for name, (r, g, b) in zip(NAMES, PALETTE)]
    (root / 'label_colors.txt').write_text('\n'.join([*lines, '0 0 0\tVoid']))


def write_from_one(root, stem, labels):
    numbers = np.where(labels == VOID, 0, labels.astype(np.uint16) + 1)
    save(root / 'gt' / 'train' / f'{stem}.png', numbers.astype(np.uint16))
    lines = [f'{place} {name}' for place, name in enumerate(['unlabeled', *NAMES])]
    (root / 'class_names.txt').write_text('\n'.join(lines))


def write_voc(root, stem, labels):
    colors = np.array([*PALETTE, (0, 0, 0)], np.uint8)[labels]
    save(root / 'SegmentationClass' / f'{stem}.png', colors[..., ::-1])
    lines = [f'{name}:{r},{g},{b}::' for name, (r, g, b) in zip(NAMES, PALETTE)]
    (root / 'labelmap.txt').write_text('\n'.join(['# label:color_rgb:parts:actions', *lines, 'void:0,0,0::']))


FORMATS = {
    'numbers': (write_numbers, 'img/train'),
    'palette': (write_palette, 'images/train'),
    'colors': (write_colors, 'train'),
    '16 bits from 1': (write_from_one, 'imgs/train'),
    'pascal voc': (write_voc, 'JPEGImages'),
}


def drawn_frames() -> dict[str, tuple[bytes, np.ndarray]]:
    """Scenes with labels of CamVid, for a clone without CamVid."""
    frames = {}
    for place, scene in enumerate(scenes(3)):
        labels = np.where(scene.labels == 255, VOID, scene.labels + place).astype(np.uint8)
        frames[f'f{place}'] = cv2.imencode('.jpg', scene.image)[1].tobytes(), labels
    return frames


def camvid_frames(shared: Path, number: int = 4) -> dict[str, tuple[bytes, np.ndarray]]:
    maps = sorted((shared / 'data' / 'camvid' / 'ann' / 'train').glob('*.png'))[:: 367 // number][:number]
    images = shared / 'data' / 'camvid' / 'img' / 'train'
    return {
        path.stem: ((images / f'{path.stem}.jpg').read_bytes(), cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        for path in maps
    }


def semantic_targets(root: Path, out: Path) -> dict[str, bytes]:
    """Bytes of the label map that training gets, by the name of the image."""
    init_default_scope('mmseg')
    prepared = look_at(root).prepare(out, workers=1)
    assert tuple(entry.name for entry in prepared.classes) == NAMES
    loaders = [dict(type='mmmaskformer.LoadImageFromFile'), dict(type='mmmaskformer.LoadAnnotations')]
    pipeline = [*loaders, dict(type='PackSegInputs')]
    found = {}
    for split in ('train', 'val'):
        for sample in DATASETS.build({**prepared.dataset(split), 'pipeline': pipeline}):
            labels = sample['data_samples'].gt_sem_seg.data.numpy()
            found[Path(sample['data_samples'].img_path).stem] = labels.tobytes()
    return found


def check_formats(frames: dict[str, tuple[bytes, np.ndarray]], folder: Path) -> None:
    expected = {
        s: np.where(labels == VOID, 255, labels).astype(np.int64) for s, (_, labels) in frames.items()
    }
    for name, (write, images) in FORMATS.items():
        root = folder / name
        for stem, (image, labels) in frames.items():
            (root / images).mkdir(parents=True, exist_ok=True)
            (root / images / f'{stem}.jpg').write_bytes(image)
            write(root, stem, labels)
        found = semantic_targets(root, folder / f'{name} out')
        assert found == {stem: labels.tobytes() for stem, labels in expected.items()}, name


def test_drawn_frames_in_five_formats(tmp_path):
    check_formats(drawn_frames(), tmp_path)


def test_camvid_in_five_formats(tmp_path, shared):
    check_formats(camvid_frames(shared), tmp_path)


def test_camvid_as_coco_instances_covers_the_same_pixels(tmp_path, shared):
    """Run lengths of each class: drawn in the order of the classes, they are the label map."""
    frames = camvid_frames(shared, 2)
    images, annotations = [], []
    for number, (stem, (image, labels)) in enumerate(frames.items(), start=1):
        (tmp_path / 'data' / 'images').mkdir(parents=True, exist_ok=True)
        (tmp_path / 'data' / 'images' / f'{stem}.jpg').write_bytes(image)
        height, width = labels.shape
        images.append(dict(id=number, file_name=f'{stem}.jpg', height=height, width=width))
        for label in np.unique(labels[labels != VOID]).tolist():
            outline = coco_run_lengths(labels == label)
            entry = dict(id=len(annotations), image_id=number, category_id=label, segmentation=outline)
            annotations.append(entry)
    categories = [dict(id=place, name=name) for place, name in enumerate(NAMES)]
    content = dict(images=images, annotations=annotations, categories=categories)
    save_json(tmp_path / 'data' / 'instances.json', content)
    init_default_scope('mmseg')
    prepared = look_at(tmp_path / 'data').prepare(tmp_path / 'out')
    loaders = [dict(type='mmmaskformer.LoadImageFromFile'), dict(type='mmmaskformer.LoadInstanceAnnotations')]
    for split in ('train', 'val'):
        for sample in DATASETS.build({**prepared.dataset(split), 'pipeline': loaders}):
            classes = np.array([255, *(segment['category_id'] for segment in sample['segments_info'])])
            labels = frames[Path(sample['img_path']).stem][1]
            expected = np.where(labels == VOID, 255, labels)
            np.testing.assert_array_equal(classes[sample['gt_seg_map']], expected)


@pytest.mark.parametrize('name', ['numbers', 'colors'])
def test_the_comparison_can_fail(name, tmp_path, monkeypatch):
    """One pixel of one file that differs is noticed."""
    write, images = FORMATS[name]

    def with_fault(root, stem, labels):
        changed = labels.copy()
        changed[3, 4] = (changed[3, 4] + 1) % 11
        write(root, stem, changed)

    monkeypatch.setitem(FORMATS, name, (with_fault, images))
    with pytest.raises(AssertionError, match=name):
        check_formats(drawn_frames(), tmp_path)
