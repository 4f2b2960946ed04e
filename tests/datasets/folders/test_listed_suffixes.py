"""A list names whole files, so a training does not look for a suffix in their folders."""

from __future__ import annotations

from mmengine.config import Config

from mmmaskformer.apis.checks import check_data


def test_images_of_any_suffix_are_found(tmp_path):
    for name in ('train.json', 'images/a.png', 'labels/a.tif'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'')
    prefix = dict(img_path='images', seg_map_path='labels')
    dataset = dict(type='mmmaskformer.ListedLabelMapsDataset', data_root=str(tmp_path), data_prefix=prefix)
    check_data(Config(dict(train_dataloader=dict(dataset={**dataset, 'ann_file': 'train.json'}))), ('train',))
