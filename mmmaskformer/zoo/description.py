"""What a config says of its model: training data, batch, schedule, and its size, which is measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmcv.image import rescale_size
from mmengine.config import Config
from torch._subclasses.fake_tensor import FakeTensorMode

from ..analysis.cost import count_multiply_adds, count_parameters
from ..checkpoints import build_model

COLLECTIONS = {
    'maskformer': 'MaskFormer',
    'per_pixel_baseline': 'PerPixelBaseline',
    'max_deeplab': 'MaX-DeepLab',
}
DATA_SETS = {  # by their part of a config's name
    'ade20k': 'ADE20K',
    'ade20k-full': 'ADE20K-Full',
    'coco-stuff10k': 'COCO-Stuff-10k',
    'cityscapes': 'Cityscapes',
    'mapillary': 'Mapillary Vistas',
    'coco-panoptic': 'COCO panoptic',
    'ade20k-panoptic': 'ADE20K panoptic',
    'cityscapes-panoptic': 'Cityscapes panoptic',
    'coco-instance': 'COCO instances',
    'camvid': 'CamVid',
    'camvid-panoptic': 'CamVid panoptic',
    'toy': 'toy scenes',
    'toy-panoptic': 'toy scenes panoptic',
}
IMAGE = (640, 480)  # width and height of most images of COCO


class Size(NamedTuple):
    """Size of a model.

    Attributes:
        parameters: Number of its parameters, frozen ones included.
        multiply_adds: Of the network for one image, see `count_multiply_adds`.
    """

    parameters: int
    multiply_adds: int


def collection_of(name: str) -> str:
    """The collection of a config, told by how its name begins."""
    return next(title for key, title in COLLECTIONS.items() if name.startswith(key))


def describe(path: Path) -> dict[str, Any]:
    """The metadata of a config, but for the size of its model.

    Raises:
        ValueError: The config's name does not tell its backbone and its data.
    """
    config = Config.fromfile(path)
    backbone = re.search(r'_(r\d+c?|swin-[tsbl](?:-in\d+k)?|efficientnet-lite\d)_', path.stem)
    data = re.sub(r'-\d+x\d+$', '', path.stem.rsplit('_', 1)[-1])
    if backbone is None or data not in DATA_SETS:
        raise ValueError(
            f'{path} is not named MODEL_BACKBONE_..._DATA.py with a backbone such as r50 or swin-t and '
            f'one of {sorted(DATA_SETS)} as data: rename it, or add the data set to DATA_SETS.'
        )
    batch = config.get('auto_scale_lr', {}).get('base_batch_size', config.train_dataloader.batch_size)
    return {
        'Training Data': DATA_SETS[data],
        'Architecture': [_backbone_title(backbone[1], config), _head_title(config)],
        'Batch Size': batch,
        'Iterations': config.train_cfg.max_iters,
        'Input Size': 'x'.join(str(edge) for edge in input_size(config)),
    }


def _backbone_title(tag: str, config: Config) -> str:
    if tag.startswith('efficientnet-'):
        return tag.replace('efficientnet-lite', 'EfficientNet-Lite')
    kind, _, pretraining = tag.replace('swin-', 'Swin-').partition('-in')
    title = f'{kind[:-1]}{kind[-1].upper()}' if kind.startswith('Swin') else kind.replace('r', 'R')
    title += f' (ImageNet-{pretraining})' if pretraining else ''
    pixels = config.model.decode_head.get('pixel_decoder', {})
    encoder = pixels.get('type', '').endswith('TransformerEncoderPixelDecoder')
    return f'{title} + {pixels.get("num_layers", 6)} encoder layers' if encoder else title


def _head_title(config: Config) -> str:
    return config.model.decode_head.type.split('.')[-1].removesuffix('Head')


def input_size(config: Config) -> tuple[int, int]:
    """Height and width of the training crop; without one, of an image of 640x480 resized for testing."""
    for transform in config.train_dataloader.dataset.pipeline:
        if transform.type == 'RandomCrop':
            return tuple(transform.crop_size)
    resize = next(t for t in config.test_dataloader.dataset.pipeline if t.type == 'Resize')
    return rescale_size(IMAGE, tuple(resize.scale))[::-1]


def measure(config: Config) -> Size:
    """Build a config's model, and count; tensors of the forward pass have shapes alone, no values."""
    config.model.backbone.pop('init_cfg', None)
    model = build_model(config).eval().requires_grad_(False)
    with FakeTensorMode(allow_non_fake_inputs=True):
        image = torch.empty(1, 3, *input_size(config))
        multiply_adds = count_multiply_adds(lambda: model(image, mode='tensor'))
    return Size(count_parameters(model), multiply_adds)
