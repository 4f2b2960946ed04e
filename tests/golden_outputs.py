"""Golden outputs of the official code: see tests/golden/README.md."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmmaskformer.checkpoints import build_model, convert_official, load_strictly

# Another folder of the same files (other seeds, say) can stand in for ours.
GOLDEN = Path(os.environ.get('MMMASKFORMER_GOLDEN', Path(__file__).parent / 'golden'))
# Those of Mask2Former and DETR are large: some lie beside the repository alone.
SHARED = [
    Path(__file__).resolve().parents[2] / 'shared' / name for name in ('golden_successors', 'golden_seeds')
]
CONFIGS = Path(__file__).parent / 'golden' / 'configs'


def golden_path(name: str) -> Path:
    """Where a golden file or folder is; skips the test if it is nowhere."""
    for folder in (GOLDEN, Path(__file__).parent / 'golden', *SHARED):
        if (folder / name).exists():
            return folder / name
    pytest.skip(f'{name} is not in {GOLDEN}, and there is none of {[*map(str, SHARED)]}')


def golden_config(name: str) -> Config:
    return Config.fromfile(CONFIGS / f'{name}.py')


def golden_model(name: str) -> nn.Module:
    model = build_model(golden_config(name))
    load_strictly(model, convert_official(golden_path(f'{name}.pkl')), name)
    return model


@cache
def golden_arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(golden_path(f'{name}.npz')) as arrays:
        return {key: arrays[key] for key in arrays.files}


def golden_training(name: str) -> dict:
    return json.loads((GOLDEN / f'{name}_train.json').read_text())


def golden_batch(name: str) -> dict:
    """The golden images (BGR, as loaded from disk) and label maps as a data loader would hand them over."""
    arrays = golden_arrays(name)
    inputs, samples = [], []
    while (key := f'image_{len(inputs)}') in arrays:
        image = torch.from_numpy(arrays[key].copy())
        inputs.append(image.flip(0))
        sample = _golden_ground_truth(arrays, len(samples), panoptic='panoptic' in name)
        shape = tuple(image.shape[1:])
        sample.set_metainfo(dict(img_shape=shape, ori_shape=(2 * shape[0], 2 * shape[1] - 1)))
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def _golden_ground_truth(arrays: dict[str, np.ndarray], k: int, panoptic: bool) -> SegDataSample:
    ids = torch.from_numpy(arrays[f'ids_{k}'].astype(np.int64))[None]
    if not panoptic:
        return SegDataSample(gt_sem_seg=PixelData(data=ids))
    labels = arrays[f'labels_{k}'].tolist()
    pairs = zip(arrays.get(f'seg_ids_{k}', np.arange(len(labels))).tolist(), labels)
    info = [dict(id=segment + 1, category_id=label, iscrowd=False) for segment, label in pairs]  # 0 is void
    return SegDataSample(gt_panoptic_seg=PixelData(data=ids + 1), gt_segments_info=info)


def assert_parity(ours: Tensor, golden: np.ndarray | float, name: str, tolerance: float = 1e-4) -> None:
    """Every element within ``tolerance`` of the golden array's largest magnitude."""
    golden = torch.as_tensor(np.asarray(golden))
    assert ours.shape == golden.shape, f'{name}: {tuple(ours.shape)} but golden has {tuple(golden.shape)}'
    worst = (ours.detach().cpu().double() - golden.double()).abs().max() / golden.double().abs().max()
    assert worst <= tolerance, f'{name}: off by {worst:.2e} of the largest magnitude'
