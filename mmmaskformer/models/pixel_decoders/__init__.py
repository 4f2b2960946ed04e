"""From backbone features to mask features."""

from .fpn import FPNPixelDecoder, PixelFeatures, TransformerEncoderPixelDecoder

__all__ = ['FPNPixelDecoder', 'PixelFeatures', 'TransformerEncoderPixelDecoder']
