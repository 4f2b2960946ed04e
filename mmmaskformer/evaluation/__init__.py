"""Metrics: mIoU with its classes, panoptic quality, PQ of label maps, average precision of instances.

`mmmaskformer.evaluation.mmdet_encoding` converts results for mmdet. It is not imported here, since it
imports mmdet.
"""

from .class_iou import ClassIoU, correct_counts
from .instance_ap import InstanceAP
from .panoptic_metrics import PanopticQuality, SemanticPanopticQuality

correct_counts()

__all__ = ['ClassIoU', 'InstanceAP', 'PanopticQuality', 'SemanticPanopticQuality']
