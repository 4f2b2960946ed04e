"""The weights in the package predict without a download, and what the zoo says of them is found by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

import mmmaskformer
from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.inference.config_files import zoo_weights
from mmmaskformer.toy_scenes import draw_scene

FILE = Path(mmmaskformer.__file__).parent / 'weights/maskformer_efficientnet-lite0_toy-panoptic.safetensors'


@pytest.fixture(scope='module')
def inferencer():
    pytest.importorskip('timm')
    return MaskFormerInferencer('lite0_toy', device='cpu', tasks=('semantic', 'panoptic'))


def test_scenes_it_has_not_seen(inferencer):
    """Scenes of the training begin at other seeds."""
    scenes = [draw_scene(np.random.default_rng([7, index])) for index in range(8)]
    results = inferencer([scene.image[..., ::-1] for scene in scenes])
    right = [
        (result.semantic == scene.labels - 1)[scene.labels > 0].mean()
        for result, scene in zip(results, scenes)
    ]
    assert np.mean(right) > 0.967  # 0.960 with red and blue exchanged
    found = {segment.name for result in results for segment in result.segments}
    assert {'sky', 'road', 'building', 'person'} <= found


def test_the_file_says_what_it_is():
    assert FILE.stat().st_size < 10e6
    with FILE.open('rb') as file:
        notes = json.loads(file.read(struct.unpack('<Q', file.read(8))[0]))['__metadata__']
    assert notes['license'] == 'Apache-2.0'
    assert 'toy scenes' in notes['data']


@pytest.mark.parametrize(
    ('name', 'address'),
    [
        ('lite0_toy', 'package://mmmaskformer/weights/'),
        ('maskformer_efficientnet-lite0_toy-panoptic', 'package://mmmaskformer/weights/'),
        ('r50_ade20k', 'https://dl.fbaipublicfiles.com/maskformer/semantic-ade20k/'),
        ('mask2former_r50_ade20k', 'https://dl.fbaipublicfiles.com/maskformer/mask2former/ade20k/semantic/'),
        (
            'mask2former/r50_coco_panoptic',
            'https://dl.fbaipublicfiles.com/maskformer/mask2former/coco/panoptic/',
        ),
    ],
)
def test_weights_of_the_zoo_by_name(name, address):
    assert zoo_weights(name).startswith(address)


def test_a_config_without_weights(tmp_path, root):
    assert zoo_weights('maskformer_r18_toy') is None
    (tmp_path / 'mine.py').write_text(f"_base_ = '{root}/configs/toy/maskformer_r18_toy.py'\n")
    assert zoo_weights(tmp_path / 'mine.py') is None
