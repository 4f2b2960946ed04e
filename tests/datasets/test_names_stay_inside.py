"""Files that data name lie in the folder of the data; converters write nowhere else, whatever links say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_trees import draw_ade20k_full, draw_cityscapes, draw_coco_stuff10k, draw_mapillary
from small_coco import CATEGORIES, document
from test_ade20k_converter import draw_ade20k
from test_clothing import draw_clothing

from mmmaskformer.datasets import (
    Ade20kPanopticDataset,
    CityscapesPanopticDataset,
    CocoInstanceDataset,
    CocoPanopticDataset,
    converters,
)

CONVERTERS = {
    converters.write_ade20k_full: (draw_ade20k_full, ('training', 'validation')),
    converters.write_ade20k_panoptic: (draw_ade20k, ('training', 'validation')),
    converters.write_cityscapes_labels: (draw_cityscapes, ('train',)),
    converters.write_cityscapes_panoptic: (draw_cityscapes, ('train',)),
    converters.write_clothing_co_parsing: (draw_clothing, ('train', 'val')),
    converters.write_coco_stuff10k: (draw_coco_stuff10k, ('train', 'test')),
    converters.check_mapillary: (draw_mapillary, ('training', 'validation')),
}
OUTSIDE = ['../a.jpg', '/etc/a.jpg', 'b/../../a.jpg', 'C:\\a.jpg', '..\\a.jpg', '', 'a\0.jpg']


def files_in(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob('*') if path.is_file() or path.is_symlink()}


@pytest.mark.parametrize('convert', CONVERTERS, ids=lambda convert: convert.__name__)
def test_converters_write_inside_and_not_through_links(convert, tmp_path):
    """Links to elsewhere lie where each output, and the unfinished form of it, will be."""
    draw, splits = CONVERTERS[convert]
    drawn = draw(tmp_path / 'first')
    before = files_in(drawn)
    convert(drawn, splits, 1)
    outputs = files_in(drawn) - before
    assert bool(outputs) == (convert is not converters.check_mapillary)
    assert {path.name for path in tmp_path.iterdir()} == {'first'}
    root, outside = draw(tmp_path / 'second'), tmp_path / 'outside'
    outside.mkdir()
    for number, output in enumerate(sorted(outputs)):
        victim = outside / f'{number}.txt'
        victim.write_text('precious')
        (root / output).parent.mkdir(parents=True, exist_ok=True)
        (root / output).symlink_to(outside / f'new_{number}')  # leads to no file
        (root / output).with_name(f'{output.name}.unfinished').symlink_to(victim)
    convert(root, splits, 1)
    assert files_in(root) - before == outputs
    assert not any((root / output).is_symlink() for output in outputs)
    assert all((root / output).read_bytes() == (drawn / output).read_bytes() for output in outputs)
    assert len(list(outside.iterdir())) == len(outputs)
    assert {path.read_text() for path in outside.iterdir()} <= {'precious'}


DATA_SETS = {
    CocoPanopticDataset: dict(img_path='img', seg_map_path='ann'),
    Ade20kPanopticDataset: dict(img_path='img', seg_map_path='ann'),
    CocoInstanceDataset: dict(img_path='img'),
}


def load(kind: type, folder: Path, content: dict, **settings) -> list[dict]:
    (folder / 'a.json').write_text(json.dumps(content))
    arguments = dict(data_root=str(folder), data_prefix=DATA_SETS.get(kind), categories=None)
    arguments.update(settings)
    return kind(str(folder / 'a.json'), pipeline=[], lazy_init=True, **arguments).load_data_list()


def content_for(kind: type) -> dict:
    content = document()
    if kind is CocoInstanceDataset:
        content['annotations'] = []
    return content


@pytest.mark.parametrize('name', OUTSIDE)
@pytest.mark.parametrize('kind', DATA_SETS)
def test_data_sets_refuse_names_that_lead_out(kind, name, tmp_path):
    content = content_for(kind)
    content['images'][0]['file_name'] = name
    with pytest.raises(ValueError, match=r'a\.json names the file .*, which is not inside .*img'):
        load(kind, tmp_path, content)
    if 'seg_map_path' in DATA_SETS[kind]:
        content = content_for(kind)
        content['annotations'][0]['file_name'] = name
        with pytest.raises(ValueError, match=r'a\.json names the file .*, which is not inside .*ann'):
            load(kind, tmp_path, content)


@pytest.mark.parametrize('name', ['../a_0_0', 'b/../../a_0_0', '/a_0_0'])
def test_ids_that_are_names(name, tmp_path):
    """Images of Cityscapes are found by their id."""
    content = dict(content_for(CocoPanopticDataset), annotations=[])
    content['images'][0]['id'] = name
    with pytest.raises(ValueError, match='which is not inside'):
        load(
            CityscapesPanopticDataset,
            tmp_path,
            content,
            categories=CATEGORIES,
            data_prefix=dict(img_path='img', seg_map_path='ann'),
            test_mode=True,
        )


def test_names_inside_and_names_without_a_folder(tmp_path):
    content = content_for(CocoInstanceDataset)
    for name in ('b/c.jpg', 'a..b.jpg', 'a:b.jpg', 'ü/日本.jpg'):
        content['images'][0]['file_name'] = name
        (sample,) = load(CocoInstanceDataset, tmp_path, content)
        assert sample['img_path'] == str(tmp_path / 'img' / name)
    content['images'][0]['file_name'] = str(tmp_path / 'elsewhere' / 'a.jpg')
    (sample,) = load(CocoInstanceDataset, tmp_path, content, data_prefix={}, data_root=None)
    assert sample['img_path'] == str(tmp_path / 'elsewhere' / 'a.jpg')
