"""Converters of annotation files to the formats that the data sets read."""

from .ade20k_full import write_ade20k_full
from .ade20k_instance import write_ade20k_instances
from .ade20k_panoptic import write_ade20k_panoptic
from .cityscapes_gtfine import write_cityscapes_instances, write_cityscapes_labels, write_cityscapes_panoptic
from .clothing_co_parsing import write_clothing_co_parsing
from .coco_stuff10k import write_coco_stuff10k
from .conversion import run_converter
from .mapillary import check_mapillary

__all__ = [
    'check_mapillary',
    'run_converter',
    'write_ade20k_full',
    'write_ade20k_instances',
    'write_ade20k_panoptic',
    'write_cityscapes_instances',
    'write_cityscapes_labels',
    'write_cityscapes_panoptic',
    'write_clothing_co_parsing',
    'write_coco_stuff10k',
]
