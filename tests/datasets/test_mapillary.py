"""Mapillary Vistas: the check of its files, and labels of its 65 classes."""

import json
import re
import runpy

import pytest
from data_trees import draw_mapillary, draw_mapillary_panoptic, save, stripes
from mmengine.config import Config
from mmseg.datasets import MapillaryDataset_v1
from mmseg.registry import DATASETS

from mmmaskformer.datasets.categories import load_categories
from mmmaskformer.datasets.converters import check_mapillary


@pytest.fixture
def vistas(tmp_path):
    return draw_mapillary(tmp_path)


def test_releases(tmp_path):
    draw_mapillary(tmp_path / 'two')
    draw_mapillary(tmp_path / 'one', 'labels', 'config.json')
    assert check_mapillary(tmp_path / 'two', num_workers=1) == {'training': 1, 'validation': 1}
    assert check_mapillary(tmp_path / 'one', ['training'], num_workers=2) == {'training': 1}


def test_what_is_wrong_is_named(vistas):
    path = vistas / 'validation' / 'v1.2' / 'labels' / 'a.png'
    save(path, stripes([3, 66]))
    with pytest.raises(ValueError, match=re.escape(f'{path} has the label 66, which is not a label')):
        check_mapillary(vistas, num_workers=1)
    save(path, stripes([3])[1:])
    with pytest.raises(ValueError, match=re.escape(f'{path} is 96x63 pixels, but its image is 96x64')):
        check_mapillary(vistas, num_workers=1)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(f'the first of them {path}: unpack the label')):
        check_mapillary(vistas, num_workers=1)
    config = vistas / 'config_v1.2.json'
    config.write_text(json.dumps({'labels': [{'readable': 'Bird'}]}))
    with pytest.raises(ValueError, match=re.escape(f'{config} lists 1 classes that are not those of')):
        check_mapillary(vistas, ['training'], num_workers=1)
    with pytest.raises(FileNotFoundError, match=r'images holds no \*\.jpg file'):
        check_mapillary(vistas / 'training', num_workers=1)
    with pytest.raises(ValueError, match="'test' is not a split of Mapillary Vistas"):
        check_mapillary(vistas, ['test'])


def test_unlabelled_is_ignored(vistas, root):
    cfg = Config.fromfile(root / 'configs' / '_base_' / 'datasets' / 'mapillary_1280x1280.py')
    loading = {'type': 'mmmaskformer.LoadAnnotations'}
    dataset = DATASETS.build(
        {**cfg.train_dataloader.dataset, 'data_root': str(vistas), 'pipeline': [loading]}
    )
    assert dataset[0]['gt_seg_map'][0, ::24].tolist() == [0, 64, 255, 13]
    assert len(dataset.metainfo['classes']) == len({tuple(c) for c in dataset.metainfo['palette']}) == 65


def test_panoptic(tmp_path, root):
    """Segments are read exactly from the published files; a category of unlabeled pixels is not a class."""
    draw_mapillary_panoptic(tmp_path)
    cfg = Config.fromfile(root / 'configs' / '_base_' / 'datasets' / 'mapillary_panoptic_1024x1024.py')
    loading = [
        {'type': 'mmmaskformer.LoadImageFromFile'},
        {'type': 'mmmaskformer.LoadPanopticAnnotations'},
    ]
    dataset = DATASETS.build({**cfg.val_dataloader.dataset, 'data_root': str(tmp_path), 'pipeline': loading})
    sample = dataset[0]
    assert sample['img_path'] == str(tmp_path / 'validation' / 'images' / 'a.jpg')
    assert sample['gt_seg_map'][0, ::20].tolist() == [0, 1, 2, 3, 4]
    classes = dataset.metainfo['classes']
    assert [(classes[s['category_id']], s['isthing'], s['iscrowd']) for s in sample['segments_info']] == [
        ('Road', False, False),
        ('Car', True, False),
        ('Car', True, False),
        ('Person', True, True),
    ]


def test_panoptic_classes_are_the_semantic_ones():
    categories = load_categories('mapillary_panoptic')
    meta = MapillaryDataset_v1.METAINFO
    assert [category.name for category in categories] == list(meta['classes'][:65])
    assert [list(category.color) for category in categories] == meta['palette'][:65]
    assert [category.id for category in categories] == list(range(1, 66))
    assert len(load_categories('mapillary_instance')) == 37


def test_tool(vistas, root, monkeypatch, capsys):
    tool = str(root / 'tools' / 'dataset_converters' / 'mapillary.py')
    monkeypatch.setattr('sys.argv', [tool, str(vistas), '--workers', '1'])
    runpy.run_path(tool, run_name='__main__')
    assert f'Checked 2 images of {vistas}' in capsys.readouterr().out
