"""Layers shared by the decoders."""

from .checkpointing import checkpointed
from .mlp import MLP
from .position_encoding import SinePositionEncoding
from .transformer_layer import TransformerDecoderLayer, TransformerEncoderLayer

__all__ = [
    'MLP',
    'SinePositionEncoding',
    'TransformerDecoderLayer',
    'TransformerEncoderLayer',
    'checkpointed',
]
