"""Layers shared by the decoders."""

from .box_mask_head import BoxAttention, DETRMaskHead, MaskInputs
from .checkpointing import checkpointed
from .deformable_encoder import DeformableEncoderLayer, MultiScaleDeformableAttention, cell_centers
from .masked_attention import MaskedCrossAttention, MaskedDecoderLayer
from .pixel_encoder import DETREncoder, encode_pixels
from .query_block import QueryBlock
from .same_conv import SameConv2d
from .scale_block import ScaleBlock
from .transformer_layer import (
    MLP,
    SinePositionEncoding,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
    xavier_matrices,
)

__all__ = [
    'MLP',
    'BoxAttention',
    'DETREncoder',
    'DETRMaskHead',
    'DeformableEncoderLayer',
    'MaskInputs',
    'MaskedCrossAttention',
    'MaskedDecoderLayer',
    'MultiScaleDeformableAttention',
    'QueryBlock',
    'SameConv2d',
    'ScaleBlock',
    'SinePositionEncoding',
    'TransformerDecoderLayer',
    'TransformerEncoderLayer',
    'cell_centers',
    'checkpointed',
    'encode_pixels',
    'xavier_matrices',
]
