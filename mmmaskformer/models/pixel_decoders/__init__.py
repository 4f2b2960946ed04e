"""From backbone features to mask features."""

from .fpn import FPNPixelDecoder, PixelFeatures
from .transformer_encoder import TransformerEncoderPixelDecoder

__all__ = ['FPNPixelDecoder', 'PixelFeatures', 'TransformerEncoderPixelDecoder']
