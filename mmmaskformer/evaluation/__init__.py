"""Metrics: mIoU with its classes, panoptic quality, PQ of label maps, average precision of instances.

`mmmaskformer.evaluation.mmdet_encoding` hands results to mmdet; it is imported by those who want it.
"""

from .class_iou import ClassIoU
from .instance_ap import InstanceAP
from .label_counts import correct_counts
from .panoptic_quality import PanopticQuality, SemanticPanopticQuality

correct_counts()

__all__ = ['ClassIoU', 'InstanceAP', 'PanopticQuality', 'SemanticPanopticQuality']
