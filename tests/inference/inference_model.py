"""A small model with distinct segments, and images for it."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / 'models'))

from small_models import HEAD, PREPROCESSOR, spread_running_statistics

from mmmaskformer.registry import MODELS

META = dict(
    classes=('road', 'car', 'tree', 'sky'),
    palette=[[128, 64, 128], [0, 0, 142], [107, 142, 35], [70, 130, 180]],
    thing_classes=('car', 'tree'),
    category_ids=(7, 26, 21, 23),
)
ALL_TASKS = ('semantic', 'panoptic', 'instance')
LOW = dict(score_thr=0.02, overlap_thr=0.0)


def config(**changes) -> Config:
    """A config with only a model and test data."""
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(128, 64), keep_ratio=True),
        dict(type='mmmaskformer.LoadPanopticAnnotations'),
        dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True),
    ]
    model = dict(
        type='mmmaskformer.MaskFormer',
        data_preprocessor=PREPROCESSOR,
        backbone=dict(
            type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(0, 1, 2, 3)
        ),
        decode_head=HEAD,
        test_cfg=dict(mode='whole', panoptic=LOW, instance=dict(max_per_image=6)),
    )
    return Config(dict(default_scope='mmseg', model=model, test_pipeline=pipeline, **changes))


@torch.no_grad()
def build() -> nn.Module:
    """The model; classes and masks differ from query to query, as in a trained model."""
    init_default_scope('mmseg')
    torch.manual_seed(1)
    model = MODELS.build(config().model).eval()
    spread_running_statistics(model)
    head = model.decode_head
    head.transformer_decoder.query_embed.weight.mul_(4)
    features = model.extract_feat(torch.randn(4, 3, 64, 128))
    head.class_embed.bias.sub_(head.predict_masks(features).class_logits.mean((0, 1)))
    for parameter in head.class_embed.parameters():
        parameter.mul_(20)
    head.mask_embed[-1].weight.mul_(40)
    return model


def write_weights(path: Path, **meta) -> Path:
    """A checkpoint as MMEngine's runner writes it."""
    model = build()
    carried_meta = dict(cfg=config().pretty_text, dataset_meta=META)
    torch.save(dict(state_dict=model.state_dict(), meta={**carried_meta, **meta}), path)
    return path


def draw(height: int, width: int, seed: int = 0) -> np.ndarray:
    """An image (H, W, 3) BGR of colored blocks."""
    random = np.random.RandomState(seed)
    blocks = random.randint(0, 256, (4, 5, 3)).astype(np.uint8)
    return cv2.resize(blocks, (width, height), interpolation=cv2.INTER_CUBIC)


def write_images(folder: Path, sizes: list[tuple[int, int]], first: int = 0) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f'{number:03d}.png' for number in range(first, first + len(sizes))]
    for number, (path, size) in enumerate(zip(paths, sizes)):
        path.write_bytes(cv2.imencode('.png', draw(*size, seed=number))[1].tobytes())
    return paths


def write_video(path: Path, frames: list[np.ndarray], fps: float = 12.0) -> Path:
    """A video of images, almost lossless."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), fps, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def same(first, second) -> bool:
    """Whether two results are exactly equal."""
    pairs = [(first.semantic, second.semantic), (first.panoptic, second.panoptic)]
    lists = [(first.segments, second.segments), (first.instances, second.instances)]
    return (
        first.size == second.size
        and all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
        and all(list(a) == list(b) and np.array_equal(a.masks, b.masks) for a, b in lists)
    )
