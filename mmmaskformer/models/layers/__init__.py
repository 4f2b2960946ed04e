"""Layers shared by the decoders."""

from .checkpointing import checkpointed
from .deformable_encoder import DeformableEncoderLayer, MultiScaleDeformableAttention, cell_centers
from .masked_attention import MaskedCrossAttention, MaskedDecoderLayer
from .transformer_layer import (
    MLP,
    SinePositionEncoding,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
    xavier_matrices,
)

__all__ = [
    'MLP',
    'DeformableEncoderLayer',
    'MaskedCrossAttention',
    'MaskedDecoderLayer',
    'MultiScaleDeformableAttention',
    'SinePositionEncoding',
    'TransformerDecoderLayer',
    'TransformerEncoderLayer',
    'cell_centers',
    'checkpointed',
    'xavier_matrices',
]
