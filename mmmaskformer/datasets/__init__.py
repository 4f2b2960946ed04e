"""Data sets that MMSegmentation lacks, and the transforms of the data pipelines."""

from .ade20k import Ade20kFullDataset, Ade20kPanopticDataset
from .camvid import CamVidDataset, CamVidPanopticDataset
from .cityscapes import CityscapesPanopticDataset
from .class_contents import provide_cat_ids
from .clothing import ClothingCoParsingDataset
from .coco_instance import CocoInstanceDataset
from .coco_panoptic import CocoPanopticDataset
from .dataset_wrappers import SkipBadSamples
from .ignored_label import install as follow_ignored_labels
from .listed_label_maps import ListedLabelMapsDataset
from .mapillary import MapillaryPanopticDataset
from .toy import ToyDataset, ToyPanopticDataset
from .transforms import (
    KeepInMemory,
    LoadAnnotations,
    LoadImageFromFile,
    LoadInstanceAnnotations,
    LoadPanopticAnnotations,
    LoadRandomWindow,
    PackSegmentInputs,
    PadSegments,
    SegmentMosaic,
    read_image,
)

provide_cat_ids()

follow_ignored_labels()

__all__ = [
    'Ade20kFullDataset',
    'Ade20kPanopticDataset',
    'CamVidDataset',
    'CamVidPanopticDataset',
    'CityscapesPanopticDataset',
    'ClothingCoParsingDataset',
    'CocoInstanceDataset',
    'CocoPanopticDataset',
    'KeepInMemory',
    'ListedLabelMapsDataset',
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadInstanceAnnotations',
    'LoadPanopticAnnotations',
    'LoadRandomWindow',
    'MapillaryPanopticDataset',
    'PackSegmentInputs',
    'PadSegments',
    'SegmentMosaic',
    'SkipBadSamples',
    'ToyDataset',
    'ToyPanopticDataset',
    'read_image',
]
