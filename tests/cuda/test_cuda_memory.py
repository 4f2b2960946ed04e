"""Peak memory of a training step of the published R50 panoptic model with one image of 800x1216.

Ceiling for 100 segments (600 matched masks in 6 layers) in float32, by calculation:

- 4.4 GiB: what the same step needs at its peak on a CPU, as measured (benchmarks/results/speed.md). There
  masks of full resolution are in work one at a time.
- 1.0 GiB: on a GPU 34 masks of full resolution (2**25 // (800 * 1216)) are in work at once, 126 MiB a tensor,
  and at most eight such tensors live at a time.
- 1.6 GiB: workspaces of cuDNN and rounding of the allocator, which differ by GPU and release.

Losses computed for all masks at once would need 600 * 800 * 1216 * 4 bytes = 2.2 GiB for each such tensor.

Another 90 segments may cost 2 GiB: 29 more masks in work (0.9), their matched logits and two gradients at
stride 4 (540 * 200 * 304 * 4 bytes = 0.12 GiB each), their masks (0.1), matching costs (0.2), and rounding.
"""

from __future__ import annotations

import gc
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmmaskformer.analysis.cost import peak_memory
from mmmaskformer.registry import MODELS

MODEL = Path(__file__).parents[2] / 'configs/_base_/models/maskformer_r50_enc6.py'
HEIGHT, WIDTH = 800, 1216
CEILING_MIB = 7 * 1024
MORE_SEGMENTS_MIB = 2 * 1024


def build() -> torch.nn.Module:
    init_default_scope('mmseg')
    config = Config.fromfile(MODEL).model
    config.backbone.init_cfg = None
    config.decode_head.num_classes = 133
    return MODELS.build(config).train()


def columns(segments: int, height: int = HEIGHT, width: int = WIDTH) -> dict:
    """One image of noise whose segments stand side by side."""
    ids = (torch.arange(width) * segments // width + 1).expand(1, height, width)
    info = [dict(id=i + 1, category_id=i, iscrowd=0) for i in range(segments)]
    sample = SegDataSample(gt_panoptic_seg=PixelData(data=ids.contiguous()), gt_segments_info=info)
    sample.set_metainfo(dict(img_shape=(height, width), ori_shape=(height, width)))
    return dict(inputs=[torch.randint(0, 256, (3, height, width), dtype=torch.uint8)], data_samples=[sample])


def train_once(model: torch.nn.Module, batch: dict) -> None:
    data = model.data_preprocessor(dict(batch), training=True)
    total, _ = model.parse_losses(model.loss(**data))
    total.backward()
    model.zero_grad()


def test_peak_of_a_panoptic_step(gpu, record_property):
    model, peaks = build().to(gpu), {}
    train_once(model, columns(10, 64, 96))  # what libraries allocate once
    for segments in (10, 100):
        gc.collect()
        torch.cuda.empty_cache()
        batch = columns(segments)
        peaks[segments] = peak_memory(lambda batch=batch: train_once(model, batch), torch.device(gpu))
        record_property(f'peak_mib_{segments}_segments', round(peaks[segments]))
    print(f'peak MiB by number of segments: {peaks}')
    assert peaks[100] < CEILING_MIB
    assert peaks[100] - peaks[10] < MORE_SEGMENTS_MIB
