"""Layers shared by the decoders."""

from .checkpointing import checkpointed
from .transformer_layer import MLP, SinePositionEncoding, TransformerDecoderLayer, TransformerEncoderLayer

__all__ = [
    'MLP',
    'SinePositionEncoding',
    'TransformerDecoderLayer',
    'TransformerEncoderLayer',
    'checkpointed',
]
