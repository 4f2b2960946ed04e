"""Checkpoints of other code bases: read, renamed, checked, converted both ways."""

from .convert import TARGETS, build_model, convert_checkpoint, convert_official, load_strictly
from .finding import config_for
from .loading import accept_foreign_checkpoints
from .reading import read_state_dict
from .renaming import Converted, read_checkpoint
from .rules import Rule, Transform, rename, restore
from .safe_loading import safe_load

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
