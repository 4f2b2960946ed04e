"""Predictions: label maps against MMSegmentation's head, segments against MMDetection's fusion head."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from measure import compare
from mmdet.models.seg_heads import MaskFormerFusionHead
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from peers import PANOPTIC_THINGS, build_pair
from torch import Tensor, nn

from mmmaskformer.functional.postprocess import panoptic_segments
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.structures import MaskPrediction

SEMANTIC_CASES = (('R50', 150, 512, 683), ('R50', 19, 1024, 2048))
PANOPTIC_CASES = (
    (10, OutputSize((800, 1216), (800, 1199), (427, 640))),
    (40, OutputSize((800, 1216), (800, 1199), (427, 640))),
    (10, OutputSize((1024, 2048), (1024, 2048), (1024, 2048))),
    (40, OutputSize((1024, 2048), (1024, 2048), (1024, 2048))),
)


def rows(repeats: int, device: torch.device) -> list[dict]:
    found = []
    for name, classes, height, width in SEMANTIC_CASES:
        pair = [model.to(device).eval() for model in build_pair(name, classes)]
        case = f'{name}, {classes} classes, {height}x{width}'
        found += semantic_rows(pair, case, height, width, repeats, device)
    for kept, size in PANOPTIC_CASES:
        found += panoptic_rows(kept, size, repeats, device)
    return found


def semantic_rows(
    pair: list[nn.Module], case: str, height: int, width: int, repeats: int, device: torch.device
) -> list[dict]:
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8)
    whole = [partial(label_map, model, image) for model in pair]
    heads = [_after_backbone(model, image) for model in pair]
    return [
        compare('head and label map', case, *heads, repeats, device),
        compare('image to label map', case, *whole, repeats, device),
    ]


def _sample(image: Tensor) -> SegDataSample:
    shape = tuple(image.shape[1:])
    return SegDataSample(metainfo=dict(img_shape=shape, ori_shape=shape))


@torch.no_grad()
def label_map(model: nn.Module, image: Tensor) -> PixelData:
    (result,) = model.test_step(dict(inputs=[image], data_samples=[_sample(image)]))
    return result.pred_sem_seg


def _after_backbone(model: nn.Module, image: Tensor) -> Callable[[], PixelData]:
    """`_label_map` with the backbone's features computed beforehand."""
    data = model.data_preprocessor(dict(inputs=[image], data_samples=[_sample(image)]), False)
    with torch.no_grad():
        features = model.extract_feat(data['inputs'])

    def head_alone() -> PixelData:
        model.extract_feat = lambda inputs: features
        try:
            return label_map(model, image)
        finally:
            del model.extract_feat

    return head_alone


def panoptic_rows(kept: int, size: OutputSize, repeats: int, device: torch.device) -> list[dict]:
    """Ours from mask logits at stride 4; the peer from there too, and from masks upsampled beforehand."""
    classes, masks = confident_prediction(kept, size, device)
    fusion = MaskFormerFusionHead(
        PANOPTIC_THINGS, 53, test_cfg=ConfigDict(panoptic_on=True, object_mask_thr=0.8, iou_thr=0.8)
    )
    is_thing = [True] * PANOPTIC_THINGS + [False] * 53
    sample = SegDataSample(metainfo=dict(img_shape=size.image, ori_shape=size.output))

    def ours() -> Tensor:
        return panoptic_segments(MaskPrediction(classes, masks), size, is_thing).ids

    def upsample() -> Tensor:
        return F.interpolate(masks[None], size=size.padded, mode='bilinear', align_corners=False)

    def fuse(upsampled: Tensor) -> Tensor:
        return fusion.predict(classes[None], upsampled, [sample], rescale=True)[0]['pan_results'].sem_seg[0]

    upsampled = upsample()
    assert ours().unique().numel() == fuse(upsampled).unique().numel() > kept // 2
    case = f'{kept} segments, {"x".join(map(str, size.padded))} to {"x".join(map(str, size.output))}'
    return [
        compare('panoptic: ours / fusion head alone', case, ours, lambda: fuse(upsampled), repeats, device),
        compare('panoptic: both from stride 4', case, ours, lambda: fuse(upsample()), repeats, device),
    ]


def confident_prediction(kept: int, size: OutputSize, device: torch.device) -> tuple[Tensor, Tensor]:
    """Class logits ``(100, 134)`` and mask logits: so many sure queries, each of a cell of a grid."""
    generator = torch.Generator().manual_seed(0)
    height, width = (-(-side // 4) for side in size.padded)
    classes = torch.randn(100, 134, generator=generator)
    classes[:, -1] += 12
    labels = torch.arange(kept) * 3 % 133  # things and stuff, no class twice
    classes[torch.arange(kept), labels] += 24
    masks = torch.randn(100, height, width, generator=generator) - 6
    across = 5
    for i in range(kept):
        row, column = divmod(i, across)
        rows = slice(row * height * across // kept, (row + 1) * height * across // kept)
        masks[i, rows, column * width // across : (column + 1) * width // across] += 12
    return classes.to(device), masks.to(device)
