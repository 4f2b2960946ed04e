"""Small models on which the tests of models run."""

from __future__ import annotations

import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmmaskformer.registry import MODELS

HEAD = dict(
    type='mmmaskformer.MaskFormerHead',
    in_channels=[8, 16, 32, 64],
    num_classes=4,
    num_queries=7,
    pixel_decoder=dict(
        type='mmmaskformer.FPNPixelDecoder',
        channels=16,
        mask_channels=12,
        norm_cfg=dict(type='GN', num_groups=4),
    ),
    transformer_decoder=dict(
        type='mmmaskformer.MaskFormerTransformerDecoder',
        channels=16,
        num_layers=2,
        num_heads=4,
        ffn_channels=24,
        dropout=0.0,
    ),
)
PREPROCESSOR = dict(
    type='mmmaskformer.MaskFormerDataPreProcessor',
    mean=[120.0, 110.0, 100.0],
    std=[60.0, 60.0, 60.0],
    bgr_to_rgb=True,
    size_divisor=32,
)


def small_head(**changes) -> nn.Module:
    return MODELS.build({**HEAD, **changes})


def model_config(segmentor: str = 'mmmaskformer.MaskFormer', **changes) -> ConfigDict:
    head = changes.pop('decode_head', {})
    head = head if 'type' in head else {**HEAD, **head}  # changes of HEAD, or another head
    config = dict(
        type=segmentor,
        data_preprocessor=PREPROCESSOR,
        backbone=dict(
            type='mmpretrain.ResNet', depth=18, stem_channels=8, base_channels=8, out_indices=(0, 1, 2, 3)
        ),
        decode_head=head,
        test_cfg=dict(mode='whole'),
    )
    return ConfigDict({**config, **changes})


def small_model(segmentor: str = 'mmmaskformer.MaskFormer', **changes) -> nn.Module:
    init_default_scope('mmseg')
    model = MODELS.build(model_config(segmentor, **changes))
    spread_running_statistics(model)
    return model.eval()


def spread_running_statistics(model: nn.Module) -> None:
    """Let random features differ from pixel to pixel, so that a mistake in alignment shows."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.2, 0.6)


def features(batch: int = 2, height: int = 64, width: int = 96) -> list[Tensor]:
    return [torch.randn(batch, 8 * 2**i, height // 2 ** (i + 2), width // 2 ** (i + 2)) for i in range(4)]


def sample(label_map: Tensor, **metainfo) -> SegDataSample:
    shape = tuple(label_map.shape)
    labeled = SegDataSample(gt_sem_seg=PixelData(data=label_map[None]))
    labeled.set_metainfo(dict(img_shape=shape, ori_shape=shape, **metainfo))
    return labeled


def images(*sizes: tuple[int, int], num_classes: int = 4) -> dict:
    """A batch as a data loader hands it over."""
    return dict(
        inputs=[torch.randint(0, 256, (3, *size), dtype=torch.uint8) for size in sizes],
        data_samples=[sample(torch.randint(0, num_classes, size)) for size in sizes],
    )


def panoptic_images(*sizes: tuple[int, int], num_segments: int = 5, num_classes: int = 4) -> dict:
    """A batch with segment ids instead of labels; 0 is void."""
    batch = images(*sizes)
    for i, size in enumerate(sizes):
        info = [dict(id=s + 1, category_id=s % num_classes, isthing=True) for s in range(num_segments)]
        ids = torch.randint(0, num_segments + 1, (1, *size)).to(
            torch.uint8 if num_segments < 255 else torch.int32
        )
        labeled = SegDataSample(gt_panoptic_seg=PixelData(data=ids), gt_segments_info=info)
        labeled.set_metainfo(dict(img_shape=size, ori_shape=size))
        batch['data_samples'][i] = labeled
    return batch
