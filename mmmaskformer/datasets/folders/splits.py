"""Splits of a folder: by names of its folders, by lists of names, or at random with a seed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SPLITS = ('train', 'val', 'test')
ALL = 'all'
WORDS = {
    'train': 'train', 'training': 'train', 'trn': 'train',
    'val': 'val', 'valid': 'val', 'validation': 'val', 'dev': 'val',
    'test': 'test', 'testing': 'test', 'tst': 'test',
}  # fmt: skip
_TOKEN = re.compile(r'[A-Za-z]+')


def split_of_word(word: str) -> str | None:
    """``'train'`` of ``Training``, ``train2017`` or ``instances_train``; None of other names."""
    found = {WORDS[token.lower()] for token in _TOKEN.findall(word) if token.lower() in WORDS}
    return found.pop() if len(found) == 1 else None


def split_of_path(path: str) -> str | None:
    """The split that the folders of a path name, the innermost one first; None if none does.

    Example:
        >>> split_of_path('images/validation/street/0001.jpg')
        'val'
    """
    for folder in reversed(path.split('/')[:-1]):
        split = split_of_word(folder)
        if split is not None:
            return split
    return None


def assign_splits(samples: Sequence[Any], val_share: float, seed: int) -> dict[str, list[Any]]:
    """Samples by split; images for validation are chosen at random where the folder has none.

    The choice depends on the names of the images and the seed alone.

    Args:
        samples: With ``image`` and ``split``.
        val_share: Part of the images to choose, of those for training or of no split.
        seed: Of the choice.
    """
    parts: dict[str, list[Any]] = {split: [] for split in (*SPLITS, ALL)}
    for sample in sorted(samples, key=lambda sample: sample.image):
        parts[sample.split].append(sample)
    free = parts.pop(ALL)
    if not parts['train']:
        parts['train'] = free
    elif not parts['val']:
        parts['val'] = free
    else:
        parts['train'] = sorted([*parts['train'], *free], key=lambda sample: sample.image)
    if not parts['val'] and len(parts['train']) > 1:
        parts['train'], parts['val'] = _divide(parts['train'], val_share, seed)
    return {split: members for split, members in parts.items() if members or split != 'test'}


def _divide(samples: list[Any], val_share: float, seed: int) -> tuple[list[Any], list[Any]]:
    number = min(max(round(val_share * len(samples)), 1), len(samples) - 1)
    chosen = set(np.random.default_rng(seed).permutation(len(samples))[:number].tolist())
    rest = [sample for place, sample in enumerate(samples) if place not in chosen]
    return rest, [sample for place, sample in enumerate(samples) if place in chosen]


def splits_in_lists(lists: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The split of each name in lists such as ``train.txt``; ``trainval`` and the like are no split.

    Args:
        lists: Lines by the stem of the list's file.
    """
    found: dict[str, str] = {}
    for stem, names in lists.items():
        split = WORDS.get(stem.lower())
        if split is not None:
            found.update((name, split) for name in names)
    return found
