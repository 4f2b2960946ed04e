"""The official MaX-DeepLab's inputs and weights, for its parity tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from golden_outputs import CONFIGS, GOLDEN
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmmaskformer.checkpoints import build_model, load_strictly, read_checkpoint
from mmmaskformer.checkpoints.rules import rename
from mmmaskformer.checkpoints.tables import recognize

FOLDERS = (GOLDEN, Path(__file__).resolve().parents[2] / 'shared' / 'golden_seeds')
THINGS = 3
CROWD = 200


def path_of(name: str) -> Path:
    """Where a golden file is; skips the test if it is nowhere."""
    for folder in FOLDERS:
        if (folder / name).exists():
            return folder / name
    pytest.skip(f'{name} is not in {" or ".join(map(str, FOLDERS))}')


@cache
def arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(path_of(f'{name}.npz')) as content:
        return {key: content[key] for key in content.files}


def golden_model() -> nn.Module:
    found = read_checkpoint(path_of('max_deeplab_s_vars.npz'))
    model = build_model(Config.fromfile(CONFIGS / 'max_deeplab_s.py'))
    load_strictly(model, found.state, 'max_deeplab_s_vars.npz', found)
    model.dataset_meta = dict(classes='abcde', thing_classes='abc')
    return model.eval()


@cache
def our_name_of() -> dict[str, str]:
    """Official names -> ours, through the converter's own table."""
    names = list(arrays('max_deeplab_s_vars'))
    rules = [rule._replace(transform=None) for rule in recognize(names).table(names)]
    return {name: next(iter(rename({name: torch.zeros(1)}, rules))) for name in names}


def first(maps: np.ndarray) -> Tensor:
    """``(B, h, w, C)`` -> ``(B, C, h, w)``."""
    return torch.from_numpy(maps).permute(0, 3, 1, 2)


def ground_truth(semantic: np.ndarray, thing_ids: np.ndarray, thing_classes: np.ndarray) -> SegDataSample:
    """Segment ids of one image: things from 1 on, 100 more than the class for stuff, 200 for crowds."""
    ids = np.where(semantic > THINGS, 100 + semantic.astype(int), 0)
    ids = np.where((semantic > 0) & (semantic <= THINGS), CROWD + semantic.astype(int), ids)
    ids = np.where(thing_ids >= 0, thing_ids.astype(int) + 1, ids)
    info = []
    for number in np.unique(ids[ids > 0]).tolist():
        official = number % 100 if number > 100 else int(thing_classes[number - 1])
        thing = official <= THINGS
        info.append(dict(id=number, category_id=official - 1, isthing=thing, iscrowd=int(number > CROWD)))
    return SegDataSample(
        gt_panoptic_seg=PixelData(data=torch.from_numpy(ids)[None]),
        gt_segments_info=info,
        metainfo=dict(img_shape=semantic.shape, ori_shape=semantic.shape),
    )


def samples(golden: dict[str, np.ndarray], prefix: str = '') -> list[SegDataSample]:
    keys = ('semantic_gt', 'thing_id_mask_gt', 'thing_id_class_gt')
    return [ground_truth(*image) for image in zip(*(golden[prefix + key] for key in keys))]


def official_panoptic(ids: Tensor, info: list[dict], slots: Tensor, divisor: int = 256) -> Tensor:
    """Our ids -> class * divisor, plus slot + 1 for things."""
    result = torch.zeros_like(ids)
    for segment in info:
        label = segment['category_id'] + 1
        inside = ids == segment['id']
        result[inside] = divisor * label + (slots[inside] + 1 if segment['isthing'] else 0)
    return result
