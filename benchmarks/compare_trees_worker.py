"""The process of `compare_trees.py` in which one version of the package runs.

Reads one task in a line of JSON, writes one answer in a line of JSON. Configs are written out here, so that
both versions build the same models.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

CLASSES = 7
SIZES = ((96, 128), (64, 96), (128, 64))
R18 = dict(type='mmpretrain.ResNet', depth=18, out_indices=(0, 1, 2, 3))
SWIN = dict(
    type='mmpretrain.SwinTransformer',
    arch=dict(embed_dims=32, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8]),
    window_size=4,
    drop_path_rate=0.1,
    out_indices=(0, 1, 2, 3),
    pad_small_map=True,
)
WIDTHS = {'r18': (R18, [64, 128, 256, 512]), 'swin': (SWIN, [32, 64, 128, 256])}
FPN = dict(type='mmmaskformer.FPNPixelDecoder', channels=64, mask_channels=64)
ENCODER = dict(
    FPN, type='mmmaskformer.TransformerEncoderPixelDecoder', num_layers=2, num_heads=4, ffn_channels=128
)
DECODER = dict(
    type='mmmaskformer.MaskFormerTransformerDecoder', channels=64, num_layers=3, num_heads=4, ffn_channels=128
)
MASKFORMER = dict(
    type='mmmaskformer.MaskFormerHead', num_queries=20, pixel_decoder=FPN, transformer_decoder=DECODER
)
BOX_COSTS = [dict(type=f'mmmaskformer.{name}') for name in ('ClassificationCost', 'MaskBoxL1Cost')]
HEADS = {
    'maskformer': MASKFORMER,
    'maskformer_encoder': dict(MASKFORMER, pixel_decoder=ENCODER),
    'maskformer_valid_pixels': dict(
        MASKFORMER,
        loss_on_valid_pixels=True,
        criterion=dict(
            type='mmmaskformer.MaskFormerCriterion',
            assigner=dict(type='mmmaskformer.HungarianAssigner', costs=BOX_COSTS),
        ),
    ),
    'maskformer_fixed': dict(
        MASKFORMER,
        criterion=dict(
            type='mmmaskformer.MaskFormerCriterion', assigner=dict(type='mmmaskformer.FixedAssigner')
        ),
    ),
    'per_pixel': dict(type='mmmaskformer.PerPixelBaselineHead', pixel_decoder=FPN),
    'per_pixel_plus': dict(
        type='mmmaskformer.PerPixelBaselinePlusHead', pixel_decoder=FPN, transformer_decoder=DECODER
    ),
    'max_deeplab': dict(MASKFORMER, type='mmmaskformer.MaXDeepLabHead', embedding_channels=32),
    'mask2former': dict(
        MASKFORMER,
        type='mmmaskformer.Mask2FormerHead',
        pixel_decoder=dict(
            type='mmmaskformer.MSDeformAttnPixelDecoder',
            channels=64,
            mask_channels=64,
            num_layers=2,
            num_heads=4,
            ffn_channels=128,
        ),
        transformer_decoder=dict(DECODER, type='mmmaskformer.Mask2FormerTransformerDecoder'),
        criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=256),
    ),
}
# Name: (head, backbone, task).
CASES = {
    f'{head}_{backbone}_{task}': (head, backbone, task)
    for head, backbone, task in (
        ('maskformer', 'r18', 'semantic'),
        ('maskformer', 'swin', 'semantic'),
        ('maskformer_encoder', 'r18', 'panoptic'),
        ('maskformer', 'swin', 'panoptic'),
        ('maskformer_valid_pixels', 'r18', 'panoptic'),
        ('maskformer_fixed', 'r18', 'semantic'),
        ('per_pixel', 'r18', 'semantic'),
        ('per_pixel_plus', 'r18', 'semantic'),
        ('max_deeplab', 'r18', 'semantic'),
        ('max_deeplab', 'r18', 'panoptic'),
        ('mask2former', 'r18', 'semantic'),
        ('mask2former', 'r18', 'panoptic'),
    )
}


def build(case: str) -> Any:
    from mmengine.config import ConfigDict

    from mmmaskformer.registry import MODELS

    head, backbone, task = CASES[case]
    network, in_channels = WIDTHS[backbone]
    test_cfg: dict = dict(mode='whole')
    if task == 'panoptic':
        settings = (
            dict(score_thr=0.1, pixel_thr=0.0) if 'max' in head else dict(score_thr=0.1, overlap_thr=0.1)
        )
        test_cfg.update(panoptic=settings, instance=dict(max_per_image=10))
    elif 'per_pixel' not in head:
        test_cfg.update(seg_logits=False)
    config = dict(
        type='mmmaskformer.MaskFormer',
        data_preprocessor=dict(
            type='mmmaskformer.MaskFormerDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, size_divisor=32
        ),
        backbone=network,
        decode_head=dict(HEADS[head], in_channels=in_channels, num_classes=CLASSES),
        test_cfg=test_cfg,
    )
    model = MODELS.build(ConfigDict(config))
    model.init_weights()
    classes = [str(i) for i in range(CLASSES)]
    model.dataset_meta = dict(classes=classes, thing_classes=classes[:4])
    return model


def batch(task: str, size: tuple[int, int]) -> dict:
    """Two images of noise, with label maps or segment ids of blocks."""
    import torch
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    samples = []
    for _ in range(2):
        blocks = torch.randint(0, CLASSES, (size[0] // 16, size[1] // 16))
        blocks = blocks.repeat_interleave(16, 0).repeat_interleave(16, 1)[None]
        sample = SegDataSample(metainfo=dict(img_shape=size, ori_shape=(size[0] + 10, size[1] + 4)))
        if task == 'semantic':
            blocks[:, :5] = 255
            sample.gt_sem_seg = PixelData(data=blocks)
        else:
            info = [dict(id=i, category_id=(i * 3) % CLASSES, iscrowd=0) for i in range(1, CLASSES)]
            sample.gt_panoptic_seg = PixelData(data=blocks.int())
            sample.set_field(info, 'gt_segments_info')
        samples.append(sample)
    return dict(
        inputs=[torch.randint(0, 256, (3, *size), dtype=torch.uint8) for _ in samples], data_samples=samples
    )


def train_once(model: Any, data: dict) -> dict:
    model.train().zero_grad()
    losses = model.loss(**model.data_preprocessor(data, training=True))
    model.parse_losses(losses)[0].backward()
    return losses


def predict_once(model: Any, data: dict) -> list:
    import torch

    with torch.no_grad():
        return model.eval().test_step(data)


def values(case: str, seed: int) -> dict:
    """Losses, gradients and predictions by name, of a fresh model."""
    import torch

    torch.manual_seed(seed)
    model, task, size = build(case), CASES[case][2], SIZES[seed % len(SIZES)]
    found = {f'loss {name}': value for name, value in train_once(model, batch(task, size)).items()}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            found[f'gradient {name}'] = parameter.grad
    for i, sample in enumerate(predict_once(model, batch(task, size))):
        for field in ('pred_sem_seg', 'seg_logits', 'pred_panoptic_seg'):
            if field in sample:
                found[f'prediction {i} {field}'] = sample.get(field).data
        if 'pred_instances' in sample:
            for field, value in sample.pred_instances.items():
                found[f'prediction {i} {field}'] = value
    return {name: value.detach().contiguous() for name, value in found.items()}


@lru_cache(maxsize=1)
def _timed(case: str) -> Any:
    import torch

    torch.manual_seed(0)
    return build(case)


def seconds(case: str, work: str) -> float:
    import torch

    model, task = _timed(case), CASES[case][2]
    torch.manual_seed(1)
    data = batch(task, (128, 160))
    start = time.process_time()  # not the wall clock: other processes may share the cores
    (train_once if work == 'training' else predict_once)(model, data)
    return time.process_time() - start


def digest(tensor: Any) -> str:
    return hashlib.sha256(
        f'{tensor.dtype} {tuple(tensor.shape)}'.encode() + tensor.numpy().tobytes()
    ).hexdigest()


def perform(task: dict) -> object:
    import torch

    case = task['case']
    if task['do'] == 'values':
        return {name: digest(value) for name, value in values(case, task['seed']).items()}
    if task['do'] == 'save':
        torch.save(values(case, task['seed']), task['path'])
        return None
    return seconds(case, task['work'])


def main() -> None:
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    import mmmaskformer

    used, tree = Path(mmmaskformer.__file__).resolve(), Path(sys.argv[1]).resolve()
    if tree not in used.parents:
        raise SystemExit(f'imported {used}, which is not in {tree}: does PYTHONPATH reach this process?')
    from mmengine.logging import MMLogger
    from mmengine.registry import init_default_scope

    init_default_scope('mmseg')
    MMLogger.get_instance('mmengine', log_level='ERROR')
    for line in sys.stdin:
        print(json.dumps(perform(json.loads(line))), file=answers, flush=True)


if __name__ == '__main__':
    main()
