"""From backbone features to mask features."""

from .deformable import MSDeformAttnPixelDecoder, MultiScaleFeatures
from .fpn import FPNPixelDecoder, PixelFeatures, TransformerEncoderPixelDecoder

__all__ = [
    'FPNPixelDecoder',
    'MSDeformAttnPixelDecoder',
    'MultiScaleFeatures',
    'PixelFeatures',
    'TransformerEncoderPixelDecoder',
]
