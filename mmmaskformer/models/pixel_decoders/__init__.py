"""From backbone features to mask features."""

from .fpn import FPNPixelDecoder, PixelFeatures

__all__ = ['FPNPixelDecoder', 'PixelFeatures']
