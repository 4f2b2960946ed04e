"""Images that several processes share, or that are all in one, and what a small model learns from them."""

from __future__ import annotations

import torch
from detr_models import HEAD as DETR
from dual_path_models import BACKBONE as DUAL_PATH
from dual_path_models import HEAD as DUAL_PATH_HEAD
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from small_models import HEAD, small_model
from torch import Tensor, nn

WIDE, TALL = (64, 96), (96, 64)
# Size and number of segments of four images. The rest of an image is void, all of it where there are none.
CASES = dict(
    as_many=[(WIDE, 3)] * 4,
    uneven=[(WIDE, 4), (WIDE, 1), (WIDE, 2), (WIDE, 1)],
    one_has_none=[(WIDE, 0), (WIDE, 0), (WIDE, 2), (WIDE, 3)],
    fewer_than_processes=[(WIDE, 0), (WIDE, 0), (WIDE, 1), (WIDE, 0)],
    nobody_has_any=[(WIDE, 0)] * 4,
    sizes=[(WIDE, 4), (WIDE, 1), (TALL, 2), (TALL, 4)],
)
PIXELS = {key: HEAD[key] for key in ('in_channels', 'num_classes', 'pixel_decoder')}
# The second weighs no-object like a class, so that all processes have the same sum of weights.
HEADS = dict(
    maskformer={},
    equal_weights=dict(
        criterion=dict(
            type='mmmaskformer.MaskFormerCriterion',
            loss_cls=dict(type='mmmaskformer.NoObjectCrossEntropyLoss', no_object_weight=1.0),
        )
    ),
    max_deeplab={**HEAD, 'type': 'mmmaskformer.MaXDeepLabHead', 'embedding_channels': 10},
    detr=DETR,
    dual_path=DUAL_PATH_HEAD,
    per_pixel=dict(type='mmmaskformer.PerPixelBaselineHead', **PIXELS),
    per_pixel_plus=dict(
        type='mmmaskformer.PerPixelBaselinePlusHead',
        transformer_decoder=HEAD['transformer_decoder'],
        **PIXELS,
    ),
)


def build(head: str) -> nn.Module:
    """The same model in every process; batch normalisation is frozen, or it would tell batches apart."""
    torch.manual_seed(0)
    own_backbone = dict(backbone=DUAL_PATH) if head == 'dual_path' else {}
    model = small_model(decode_head=HEADS[head], **own_backbone).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return model


def share(case: str, rank: int = 0, world: int = 1) -> dict:
    """The images of a process, as a data loader hands them over."""
    size = len(CASES[case]) // world
    chosen = list(enumerate(CASES[case]))[rank * size : (rank + 1) * size]
    return dict(
        inputs=[_image(number, shape) for number, (shape, _) in chosen],
        data_samples=[_ground_truth(shape, segments) for _, (shape, segments) in chosen],
    )


def num_segments(case: str, rank: int = 0, world: int = 1) -> int:
    size = len(CASES[case]) // world
    return sum(segments for _, segments in CASES[case][rank * size : (rank + 1) * size])


def learn(model: nn.Module, batch: dict) -> tuple[dict[str, float], Tensor]:
    """Losses, and the gradients of all parameters one after the other. The model may be wrapped."""
    model.zero_grad()
    segmentor = getattr(model, 'module', model)
    losses = model(**segmentor.data_preprocessor(batch, True), mode='loss')
    total, _ = segmentor.parse_losses(losses)
    total.backward()
    values = {name: value.item() for name, value in losses.items() if 'loss' in name}
    return values, gradient(segmentor)


def gradient(model: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def parameters(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def _image(number: int, shape: tuple[int, int]) -> Tensor:
    generator = torch.Generator().manual_seed(number)
    return torch.randint(0, 256, (3, *shape), dtype=torch.uint8, generator=generator)


def _ground_truth(shape: tuple[int, int], segments: int) -> SegDataSample:
    """Segments side by side, the last quarter of the image void."""
    labels = torch.full((1, *shape), 255)
    width = 3 * shape[1] // 4
    for label, columns in enumerate(torch.arange(width).chunk(segments) if segments else ()):
        labels[..., columns] = label
    sample = SegDataSample(gt_sem_seg=PixelData(data=labels))
    sample.set_metainfo(dict(img_shape=shape, ori_shape=shape))
    return sample
