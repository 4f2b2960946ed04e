"""Checkpoints of other code bases: read, renamed, checked, converted both ways."""

from .checkpoint_loader import accept_foreign_checkpoints
from .config_of_checkpoint import config_for
from .convert import TARGETS, build_model, convert_checkpoint, convert_official, load_strictly
from .formats import Converted, read_checkpoint
from .reading import read_state_dict, safe_load
from .rules import Rule, Transform, rename, restore

__all__ = [
    'TARGETS',
    'Converted',
    'Rule',
    'Transform',
    'accept_foreign_checkpoints',
    'build_model',
    'config_for',
    'convert_checkpoint',
    'convert_official',
    'load_strictly',
    'read_checkpoint',
    'read_state_dict',
    'rename',
    'restore',
    'safe_load',
]
