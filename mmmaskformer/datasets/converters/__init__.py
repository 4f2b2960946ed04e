"""Writing annotation files in the formats that the data sets read."""

from .ade20k_panoptic import write_ade20k_panoptic

__all__ = ['write_ade20k_panoptic']
