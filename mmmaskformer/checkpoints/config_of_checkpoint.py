"""The config that a checkpoint belongs to: stored in it as text, or found in the zoo by its shapes."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from torch import Tensor

from ..registry import MODELS

PACKAGE = Path(__file__).resolve().parent.parent
BOXES_ALONE = 'DETRHead of boxes alone'
WITHOUT_QUERIES = ('PerPixelBaselineHead', 'DualPathHead')
WITH_QUERIES = (
    'MaskFormerHead',
    'Mask2FormerHead',
    'EoMTHead',
    'DETRHead',
    BOXES_ALONE,
)  # their number is a setting
TRAINING_ALONE = ('init_cfg', 'norm_cfg', 'norm_eval', 'drop_path_rate', 'frozen_stages')
FOLDERS = (PACKAGE / '.mim' / 'configs', PACKAGE.parent / 'configs')  # installed; the repository
# Ablations have the shapes of these.
ZOO = ('maskformer', 'mask2former', 'eomt', 'detr', 'max_deeplab', 'per_pixel_baseline')

# Kinds of backbones by a tensor that they alone have, and the names of their blocks.
KINDS = {
    'memory': 'DualPathTransformer',
    'register_tokens': 'QueryVisionTransformer',
    'patch_embed.projection.weight': 'Swin',
    'downsample_layers.0.0.weight': 'ConvNeXt',
    'stem.0.weight': 'ResNetV1c',
    '': 'ResNet',
}
OTHER_BACKBONE = 'of no model of the zoo'
_LAYERS = r'backbone\.layer(\d+)\.(\d+)\.'
BLOCK = {
    'DualPathTransformer': r'backbone\.stages\.([2-5])\.blocks\.(\d+)\.',
    'QueryVisionTransformer': r'backbone\.(layers)\.(\d+)\.',
    'Swin': r'backbone\.stages\.(\d+)\.blocks\.(\d+)\.',
    'ConvNeXt': r'backbone\.stages\.(\d+)\.(\d+)\.',
    'ResNetV1c': _LAYERS,
    'ResNet': _LAYERS,
}


class Shapes(NamedTuple):
    """Hyperparameters that follow from tensor shapes; None where a backbone alone does not determine them.

    Attributes:
        backbone: Kind of the backbone.
        blocks: Blocks in each stage of the backbone.
        width: Channels of the backbone's first feature map.
        window: Width of Swin's windows; of a vision transformer, that of a square with as many patches.
        head: Type of the decode head.
        num_classes: Classes; of DETR outputs of the classifier.
        num_queries: Queries.
        encoder_layers: Layers of the pixel decoder's transformer encoder.
        decoder_layers: Layers of the transformer decoder, or blocks with queries.
    """

    backbone: str
    blocks: tuple[int, ...]
    width: int | None
    window: int | None
    head: str | None = None
    num_classes: int | None = None
    num_queries: int | None = None
    encoder_layers: int | None = None
    decoder_layers: int | None = None

    def __str__(self) -> str:
        known = {name: value for name, value in self._asdict().items() if value is not None}
        return ', '.join(f'{name.replace("_", " ")} {value}' for name, value in known.items())


class _Candidate(NamedTuple):
    path: Path
    config: Config


def config_for(state: Mapping[str, Tensor]) -> tuple[Config, str]:
    """The config of the zoo that has the shapes of a checkpoint.

    Several may fit that differ only in training, such as Swin-B from ImageNet-1k and from 22k: they give the
    same checkpoint.

    Args:
        state: Tensors under our names; those of a backbone alone fit each model with that backbone.

    Returns:
        The config, and a sentence on it.

    Raises:
        ValueError: No config fits, or several fit that give different checkpoints; they are listed.
    """
    wanted = shapes_of_state(state)
    fitting = [c for c in _candidates() if _fits(shapes_of_config(c.config), wanted)]
    if not fitting:
        raise ValueError(f'no config of the zoo has the shapes of the checkpoint ({wanted}): set --config')
    names = ', '.join(str(c.path) for c in fitting)
    part = 'backbone' if wanted.head is None else None
    if any(_outcome(c.config, part) != _outcome(fitting[0].config, part) for c in fitting):
        raise ValueError(f'several configs have these shapes ({wanted}), choose one with --config: {names}')
    alternatives = f' (as well: {names.partition(", ")[2]})' if len(fitting) > 1 and not part else ''
    return fitting[0].config, f'Its shapes ({wanted}) are those of {fitting[0].path}{alternatives}.'


def shapes_of_state(state: Mapping[str, Tensor]) -> Shapes:
    """Hyperparameters of a checkpoint under our names."""
    kind = next(kind for mark, kind in KINDS.items() if f'backbone.{mark}' in state or not mark)
    found = [match for name in state if (match := re.match(BLOCK[kind], name))]
    blocks = [1 + max(int(m[2]) for m in found if m[1] == stage) for stage in sorted({m[1] for m in found})]
    queries = state.get('decode_head.transformer_decoder.query_embed.weight')
    queries = state.get('decode_head.query_embed.weight') if queries is None else queries
    first = (
        'patch_embed.projection.bias',
        'downsample_layers.0.0.weight',
        'layer1.0.downsample.0.weight',
        'layer1.0.conv1.weight',
    )
    width = next((len(state[f'backbone.{name}']) for name in first if f'backbone.{name}' in state), None)
    head, num_classes = _classifier(state)
    return Shapes(
        backbone=kind if blocks else OTHER_BACKBONE,
        blocks=tuple(blocks),
        width=width,
        window=_window(state),
        head=head,
        num_classes=num_classes,
        num_queries=len(queries) if head and queries is not None else None,
        encoder_layers=_encoder_layers(state) if head else None,
        decoder_layers=_decoder_layers(state) if head else None,
    )


def _window(state: Mapping[str, Tensor]) -> int | None:
    table = state.get('backbone.stages.0.blocks.0.attn.w_msa.relative_position_bias_table')
    if table is not None:
        return (round(len(table) ** 0.5) + 1) // 2
    positions = state.get('backbone.pos_embed')
    return None if positions is None else round(positions.shape[1] ** 0.5)


def _decoder_layers(state: Mapping[str, Tensor]) -> int:
    probabilities = state.get('decode_head.attn_mask_probs')
    layers = _count(state, 'decode_head.transformer_decoder.layers.')
    return layers if probabilities is None else len(probabilities)


def _classifier(state: Mapping[str, Tensor]) -> tuple[str | None, int | None]:
    for name, head, extra_rows in (
        ('class_embed.bias', _mask_head(state), 1),
        ('classifier.bias', 'PerPixelBaselineHead', 0),
        ('transformer_decoder.query_embed.weight', 'PerPixelBaselinePlusHead', 0),
    ):
        if f'decode_head.{name}' in state:
            return head, len(state[f'decode_head.{name}']) - extra_rows
    return None, None


def _encoder_layers(state: Mapping[str, Tensor]) -> int:
    return sum(_count(state, f'decode_head.{part}.layers.') for part in ('pixel_decoder', 'encoder'))


def _mask_head(state: Mapping[str, Tensor]) -> str:
    if 'backbone.memory' in state:
        return 'DualPathHead'
    if 'decode_head.attn_mask_probs' in state:
        return 'EoMTHead'
    if 'decode_head.bbox_embed.0.weight' in state:
        return 'DETRHead' if 'decode_head.mask_head.out.weight' in state else BOXES_ALONE
    with_levels = 'decode_head.transformer_decoder.level_embed.weight' in state
    return 'Mask2FormerHead' if with_levels else 'MaskFormerHead'


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({name.removeprefix(prefix).split('.')[0] for name in state if name.startswith(prefix)})


def shapes_of_config(config: Config) -> Shapes:
    """Hyperparameters of a config's model, which is not built."""
    backbone, head = config.model.backbone, config.model.decode_head
    kind = head.type.split('.')[-1] if head.get('with_masks', True) else BOXES_ALONE
    swin, plain = (backbone.type.endswith(name) for name in ('SwinTransformer', 'QueryVisionTransformer'))
    pixels, decoder = (head.get(part, {}) for part in ('pixel_decoder', 'transformer_decoder'))
    pixels = head.get('encoder', pixels)
    successor = kind == 'Mask2FormerHead'
    encoder = (
        successor
        or kind in ('DETRHead', BOXES_ALONE)
        or pixels.get('type', '').endswith('TransformerEncoderPixelDecoder')
    )
    with_queries = kind not in WITHOUT_QUERIES
    queries = head.get('num_queries', 100) if kind in WITH_QUERIES else head.num_classes
    layers = head.get('num_query_blocks', 4) if plain else decoder.get('num_layers', 9 if successor else 6)
    return Shapes(
        backbone='Swin' if swin else backbone.type.split('.')[-1],
        blocks=_blocks(backbone),
        width=head.in_channels[0],
        window=backbone.get('window_size', 7) if swin else _side_of_grid(backbone) if plain else None,
        head=kind,
        num_classes=head.get('num_columns', head.num_classes),
        num_queries=queries if with_queries else None,
        encoder_layers=pixels.get('num_layers', 6) if encoder else 0,
        decoder_layers=layers if with_queries else 0,
    )


def _side_of_grid(backbone: Mapping[str, Any]) -> int:
    size = backbone.get('img_size', 512)
    height, width = (size, size) if isinstance(size, int) else size
    return round((height * width) ** 0.5 / backbone.get('patch_size', 16))


def _blocks(backbone: Mapping[str, Any]) -> tuple[int, ...]:
    cls: Any = MODELS.get(backbone['type'])
    if backbone['type'].endswith('DualPathTransformer'):
        return tuple(backbone.get('num_blocks') or signature(cls).parameters['num_blocks'].default)
    if 'depth' in backbone:
        return tuple(cls.arch_settings[backbone['depth']][1])
    arch = backbone.get('arch', 'tiny')
    known = getattr(cls, 'arch_zoo', None) or getattr(cls, 'arch_settings', {})
    settings = arch if isinstance(arch, dict) else known.get(arch, {})
    return tuple(settings.get('depths') or filter(None, [settings.get('num_layers')]))


def _fits(shapes: Shapes, wanted: Shapes) -> bool:
    compared = wanted if wanted.head else wanted[:4]
    return all(value is None or own == value for own, value in zip(shapes, compared))


def _candidates() -> Iterator[_Candidate]:
    """Configs of the zoo, without the short names that only inherit another config."""
    folder = next((folder for folder in FOLDERS if folder.is_dir()), None)
    for path in sorted(file for name in ZOO if folder for file in (folder / name).glob('*.py')):
        if re.fullmatch(r"_base_ = '.*'", path.read_text().strip()) is None:
            yield _Candidate(path, Config.fromfile(path))


def _outcome(config: Config, part: str | None) -> Any:
    """Settings that the converted checkpoint depends on: model (without initial weights) and classes."""
    model = {key: value for key, value in config.model.backbone.items() if key not in TRAINING_ALONE}
    if part:
        return model
    dataset = config.get('test_dataloader', {}).get('dataset', {})
    classes = [dataset.get(key) for key in ('type', 'metainfo', 'categories')]
    return model, config.model.decode_head, config.model.get('test_cfg'), classes


def read_config_text(text: str, source: str) -> Config:
    """The config that MMEngine's runner stores in checkpoints, as text.

    It is parsed as plain values: code in it is not run, as a checkpoint may come from an untrusted source.

    Raises:
        ValueError: It has anything but assignments of numbers, strings, lists and dicts.
    """
    settings: dict[str, Any] = {}
    try:
        for line in ast.parse(text).body:
            if not isinstance(line, ast.Assign) or not isinstance(line.targets[0], ast.Name):
                raise ValueError(f'line {line.lineno} is not an assignment')
            settings[line.targets[0].id] = _value(line.value)
    except (SyntaxError, TypeError, ValueError) as error:
        raise ValueError(
            f'The config in {source} holds more than plain values ({error}), and code of checkpoints is not '
            'run: give the config file as well.'
        ) from None
    return Config(settings)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        if any(keyword.arg is None for keyword in node.keywords):
            raise ValueError(f'line {node.lineno} is not a plain dict')
        first = [_value(part) for part in node.args]  # dict({'a-b': 1}), as MMEngine writes it
        return dict(*first, **{str(keyword.arg): _value(keyword.value) for keyword in node.keywords})
    if isinstance(node, ast.Dict):
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values) if key is not None}
    if isinstance(node, ast.List):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    if isinstance(node, ast.Name) and node.id in ('inf', 'nan'):
        return getattr(math, node.id)
    return ast.literal_eval(node)
