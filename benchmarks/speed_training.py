"""Whole training steps: ours against MMSegmentation's head (semantic) and MMDetection's model (panoptic)."""

from __future__ import annotations

from functools import partial

import torch
from measure import compare, peak_memory
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData
from mmseg.structures import SegDataSample
from peers import PANOPTIC_THINGS, build_pair, build_panoptic_pair
from torch import Tensor, nn

STUFF = 53


def rows(repeats: int, device: torch.device) -> list[dict]:
    found = []
    for name in ('R50', 'Swin-T'):
        pair = [model.to(device).train() for model in build_pair(name)]
        batch = semantic_batch(512, images=2, classes=9)
        steps = [partial(training_step, model, batch) for model in pair]
        found.append(
            compare('training step', f'semantic {name}, 2 x 512x512, 9 classes', *steps, repeats, device)
        )
    return found + [panoptic_row(30, max(1, repeats // 3), device)]


def panoptic_row(segments: int, repeats: int, device: torch.device) -> dict:
    ours, theirs = (model.to(device).train() for model in build_panoptic_pair())
    batches = panoptic_batches(800, 1216, segments)
    steps = [partial(training_step, *pair) for pair in zip((ours, theirs), batches)]
    return compare('training step', f'panoptic R50, 800x1216, {segments} segments', *steps, repeats, device)


def memory_of_many_segments(segments: int, device: torch.device) -> float:
    """MiB of our training step with so many segments in an image of 800x1216."""
    ours = build_panoptic_pair()[0].to(device).train()
    return peak_memory(partial(training_step, ours, panoptic_batches(800, 1216, segments)[0]), device)


def training_step(model: nn.Module, batch: dict) -> None:
    """Preprocess, forward, losses and backward; gradients are thrown away."""
    data = model.data_preprocessor(dict(batch), training=True)
    losses = model.loss(data['inputs'], data['data_samples'])
    total, _ = model.parse_losses(losses)
    total.backward()
    model.zero_grad()


def semantic_batch(size: int, images: int, classes: int, num_classes: int = 150) -> dict:
    """Images of noise and label maps of blocks, as a data loader would hand them over."""
    inputs, samples = zip(*(_semantic_scene(size, classes, num_classes, seed) for seed in range(images)))
    return dict(inputs=list(inputs), data_samples=list(samples))


def _semantic_scene(size: int, classes: int, num_classes: int, seed: int) -> tuple[Tensor, SegDataSample]:
    generator = torch.Generator().manual_seed(seed)
    present = torch.randperm(num_classes, generator=generator)[:classes]
    image = torch.randint(0, 256, (3, size, size), dtype=torch.uint8, generator=generator)
    sample = SegDataSample(gt_sem_seg=PixelData(data=present[_blocks(size, size, classes)][None]))
    sample.set_metainfo(dict(img_shape=(size, size), ori_shape=(size, size)))
    return image, sample


def _blocks(height: int, width: int, number: int) -> Tensor:
    """``(H, W)`` map of so many rectangles, numbered from zero."""
    across = next(n for n in range(int(number**0.5), 0, -1) if number % n == 0)
    rows, columns = torch.arange(height) * (number // across) // height, torch.arange(width) * across // width
    return rows[:, None] * across + columns


def panoptic_batches(height: int, width: int, segments: int) -> tuple[dict, dict]:
    """One scene of rectangles, two thirds of them things, in our data format and in MMDetection's."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)
    numbers, stuff = _blocks(height, width, segments), min(segments // 3, STUFF)
    classes = [PANOPTIC_THINGS + i if i < stuff else i % PANOPTIC_THINGS for i in range(segments)]
    meta = dict(img_shape=(height, width), ori_shape=(height, width), pad_shape=(height, width))

    ours = SegDataSample(gt_panoptic_seg=PixelData(data=(numbers + 1)[None]), metainfo=meta)
    info = [dict(id=i + 1, category_id=c, iscrowd=0) for i, c in enumerate(classes)]
    ours.set_field(info, 'gt_segments_info')

    things = torch.arange(stuff, segments)
    bitmaps = (numbers == things[:, None, None]).numpy().astype('uint8')
    theirs = DetDataSample(metainfo=meta)
    theirs.gt_instances = InstanceData(
        labels=torch.tensor(classes[stuff:]), masks=BitmapMasks(bitmaps, height, width)
    )
    semantic = torch.tensor([*classes[:stuff], *[255] * len(things)])[numbers]
    theirs.gt_sem_seg = PixelData(sem_seg=semantic[None])
    return tuple(dict(inputs=[image], data_samples=[sample]) for sample in (ours, theirs))
