"""Checkpoints of other code bases."""

from .convert import build_model, convert_checkpoint, convert_official, load_strictly
from .reading import read_state_dict
from .rules import Rule, rename

__all__ = [
    'Rule',
    'build_model',
    'convert_checkpoint',
    'convert_official',
    'load_strictly',
    'read_state_dict',
    'rename',
]
