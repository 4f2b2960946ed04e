"""docs/own_data.md is followed word for word on real images."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


def copy_camvid(shared: Path, folder: Path) -> None:
    """A few frames of CamVid, whose void is 11; copied, because the guide renumbers them."""
    for split, number in (('train', 6), ('val', 3)):
        for kind in ('img', 'ann'):
            (folder / kind / split).mkdir(parents=True)
            for path in sorted((shared / 'data/camvid' / kind / split).iterdir())[:number]:
                shutil.copy(path, folder / kind / split)


def link_coco126(shared: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ('images', 'panoptic', 'panoptic.json', 'instances.json'):
        (folder / name).symlink_to(shared / 'data/coco126' / name)


def install(folder: Path) -> None:
    """The package as an editable install has it: with ``.mim``, which a bare checkout has not."""
    package = folder / 'mmmaskformer'
    (package / '.mim').mkdir(parents=True)
    for path in (ROOT / 'mmmaskformer').iterdir():
        if path.name != '.mim':
            (package / path.name).symlink_to(path)
    for name in ('configs', 'tools', 'model-index.yml'):
        (package / '.mim' / name).symlink_to(ROOT / name)


@pytest.fixture(scope='module')
def followed(shared, tmp_path_factory, run_python) -> tuple[Path, str]:
    """The folder in which the own-data guide was followed, and what was printed."""
    folder = tmp_path_factory.mktemp('own_data')
    (folder / 'tools').symlink_to(ROOT / 'tools')
    copy_camvid(shared, folder / 'data/street')
    link_coco126(shared, folder / 'data/photos')
    os.environ['TORCH_HOME'] = str(folder / 'cache')
    guide = ROOT / 'docs/own_data.md'
    install(folder / 'site')
    follow = str(ROOT / 'tests/follow_guide.py')
    done = run_python(None, follow, str(guide), cwd=folder, path=(folder / 'site',), installed=True)
    return folder, f'{done.stdout}\n{done.stderr}'


@pytest.mark.slow
def test_label_maps_of_the_guide(followed):
    folder, log = followed
    labels = [cv2.imread(str(path), -1) for path in (folder / 'data/street/ann').rglob('*.png')]
    assert set(np.unique(labels)) <= {*range(11), 255}
    assert len(list((folder / 'browse/semantic').iterdir())) == 4
    assert len(list((folder / 'predictions/street').glob('*.png'))) == 3
    assert len(list((folder / 'predictions/overlays/overlay').glob('*.png'))) == 3
    assert log.count('mIoU: ') >= 3  # two trainings and a test


@pytest.mark.slow
def test_panoptic_files_of_the_guide(followed):
    folder, log = followed
    val = json.loads((folder / 'data/photos/panoptic_val.json').read_text())
    assert len(val['images']) == len(val['annotations']) == 13
    assert len(list((folder / 'browse/panoptic').iterdir())) == 4
    assert len(list((folder / 'predictions/photos/panopticquality.panoptic').glob('*.png'))) == 13
    for kind in ('overlay', 'panoptic', 'json'):
        assert (folder / 'predictions/one' / kind).is_dir()
    assert ' PQ: ' in log


@pytest.mark.slow
def test_instance_files_of_the_guide(followed):
    folder, log = followed
    assert list((folder / 'predictions/objects').glob('*.segm.json'))
    assert ' AP: ' in log
