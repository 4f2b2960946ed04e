"""Data sets that MMSegmentation lacks, and the transforms of the data pipelines."""

from .camvid import CamVidDataset, CamVidPanopticDataset
from .coco_instance import CocoInstanceDataset
from .coco_panoptic import Ade20kPanopticDataset, CocoPanopticDataset
from .toy import ToyDataset, ToyPanopticDataset
from .transforms import (
    LoadAnnotations,
    LoadImageFromFile,
    LoadInstanceAnnotations,
    LoadPanopticAnnotations,
    PackSegmentInputs,
    PadSegments,
)

__all__ = [
    'Ade20kPanopticDataset',
    'CamVidDataset',
    'CamVidPanopticDataset',
    'CocoInstanceDataset',
    'CocoPanopticDataset',
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadInstanceAnnotations',
    'LoadPanopticAnnotations',
    'PackSegmentInputs',
    'PadSegments',
    'ToyDataset',
    'ToyPanopticDataset',
]
