"""Metafiles: what is known of each config, in the format that MMEngine and mim read.

``Results`` and ``Weights`` are written by hand, in the metafile. Everything else comes from the configs:
training data, batch, schedule, and the size of the model, which is measured.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from mmcv.image import rescale_size
from mmengine.config import Config
from mmengine.fileio import dump
from mmengine.utils import track_iter_progress
from torch._subclasses.fake_tensor import FakeTensorMode

from ..analysis.cost import count_multiply_adds, count_parameters
from ..checkpoints import build_model

METAFILE = 'metafile.yml'
INDEX = 'model-index.yml'
BY_HAND = ('Results', 'Weights')
SIZES = ('Parameters', 'FLOPs')
FLOPS_UNIT = 10**8
COLLECTIONS = {
    'maskformer': 'MaskFormer',
    'mask2former': 'Mask2Former',
    'eomt': 'EoMT',
    'per_pixel_baseline': 'PerPixelBaseline',
    'max_deeplab': 'MaX-DeepLab',
    'detr': 'DETR',
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
    'mapillary-panoptic': 'Mapillary Vistas panoptic',
    'coco-instance': 'COCO instances',
    'ade20k-instance': 'ADE20K instances',
    'cityscapes-instance': 'Cityscapes instances',
    'coco200-panoptic': 'COCO panoptic, 200 images',
    'camvid': 'CamVid',
    'camvid-panoptic': 'CamVid panoptic',
    'ccp': 'Clothing Co-Parsing',
    'toy': 'toy scenes',
    'toy-panoptic': 'toy scenes panoptic',
}
BACKBONE = r'_(r\d+c?|vit-[tsblg]|(?:swin|convnext)-[tsbl](?:-in\d+k)?|efficientnet-lite\d|[sl])_'
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
    """The collection of a config, by the prefix of its name."""
    return next(title for key, title in COLLECTIONS.items() if name.startswith(key))


def describe(path: Path) -> dict[str, Any]:
    """The metadata of a config, except the size of its model.

    Raises:
        ValueError: The config's name does not contain its backbone and data set.
    """
    config = Config.fromfile(path)
    backbone = re.search(BACKBONE, path.stem)
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
    if tag in ('s', 'l'):
        return f'MaX-DeepLab-{tag.upper()}'
    for family in ('ViT', 'Swin', 'ConvNeXt'):
        tag = tag.replace(f'{family.lower()}-', f'{family}-')
    kind, _, pretraining = tag.partition('-in')
    title = f'{kind[:-1]}{kind[-1].upper()}' if '-' in kind else kind.replace('r', 'R')
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
    """Parameters and multiply-adds of a config's model; the forward pass runs on fake tensors."""
    config.model.backbone.pop('init_cfg', None)
    model = build_model(config).eval().requires_grad_(False)
    with FakeTensorMode(allow_non_fake_inputs=True):
        image = torch.empty(1, 3, *input_size(config))
        multiply_adds = count_multiply_adds(lambda: model(image, mode='tensor'))
    return Size(count_parameters(model), multiply_adds)


def zoo_folders(root: Path) -> list[Path]:
    """The folders of configs below ``root``, except bases; those of the main models come first."""
    folders = {path.parent for path in (root / 'configs').glob('*/*.py') if path.parent.name != '_base_'}
    order = [*COLLECTIONS, *sorted(folder.name for folder in folders)]
    return sorted(folders, key=lambda folder: order.index(folder.name))


def long_names(folder: Path) -> list[Path]:
    """The configs of a folder, without the short names that only inherit another config."""
    return [path for path in sorted(folder.glob('*.py')) if inherits_alone(path) is None]


def inherits_alone(path: Path) -> str | None:
    """The config that a short name stands for; None if the config is not a short name."""
    match = re.fullmatch(r"_base_ = '\./(.+)\.py'\s*", path.read_text())
    return match[1] if match else None


def read_metafile(folder: Path) -> dict[str, Any]:
    """The metafile of a folder, empty if there is none yet."""
    path = folder / METAFILE
    return yaml.safe_load(path.read_text(encoding='utf-8')) if path.is_file() else {}


def read_models(root: Path) -> dict[str, list[dict[str, Any]]]:
    """The models of each folder's metafile, by the folder's name."""
    return {folder.name: read_metafile(folder).get('Models', []) for folder in zoo_folders(root)}


def update_metafiles(root: Path, remeasure: bool = True) -> None:
    """Write all metafiles and their index from the configs; hand-written entries are kept.

    Args:
        root: Folder with ``configs``.
        remeasure: Measure all models, not only those without sizes in their metafile.
    """
    folders = zoo_folders(root)
    paths = [path for folder in folders for path in long_names(folder)]
    known = {model['Name']: model for folder in folders for model in read_metafile(folder).get('Models', [])}
    measured: dict[str, Size] = {}
    entries: dict[Path, list[dict]] = {folder: [] for folder in folders}
    for path in track_iter_progress(paths):
        old = known.get(path.stem, {})
        sizes = {key: value for key, value in old.get('Metadata', {}).items() if key in SIZES}
        sizes = sizes if len(sizes) == len(SIZES) and not remeasure else _sizes(_measured(path, measured))
        entries[path.parent].append(entry_of(path, sizes, old))
    for folder, models in entries.items():
        content = {**read_metafile(folder), 'Models': models}
        dump(content, str(folder / METAFILE), sort_keys=False, width=200)
    imports = [(folder / METAFILE).relative_to(root).as_posix() for folder in folders]
    dump({'Import': imports}, str(root / INDEX), sort_keys=False)


def _sizes(size: Size) -> dict[str, int]:
    operations = round(size.multiply_adds / FLOPS_UNIT) * FLOPS_UNIT
    return dict(zip(SIZES, (size.parameters, operations)))


def entry_of(path: Path, sizes: dict[str, int], old: dict[str, Any]) -> dict[str, Any]:
    """The entry of a config in its metafile.

    Args:
        path: The config.
        sizes: ``Parameters`` and ``FLOPs`` (multiply-adds) of its model.
        old: The previous entry, whose hand-written parts are kept.
    """
    short = [other.stem for other in sorted(path.parent.glob('*.py')) if inherits_alone(other) == path.stem]
    return {
        'Name': path.stem,
        'In Collection': collection_of(path.stem),
        'Config': path.relative_to(path.parents[2]).as_posix(),
        **({'Alias': short} if short else {}),
        'Metadata': {**describe(path), **sizes},
        **{key: old[key] for key in BY_HAND if key in old},
    }


def _measured(path: Path, known: dict[str, Size]) -> Size:
    """The size of a config's model; ``known`` caches those of equal models."""
    config = Config.fromfile(path)
    config.model.backbone.pop('init_cfg', None)
    model = repr((config.model.backbone, config.model.decode_head, input_size(config)))
    if model not in known:
        known[model] = measure(config)
    return known[model]
