"""Pictures of samples and results, panels that set prediction beside truth, and training curves."""

from .painting import paint_instances, paint_panoptic, paint_semantic
from .panels import PanelRow, colour_labels, draw_panels
from .segment_visualizer import SegmentVisualizer
from .training_curve import draw_training_curve, read_scalars

__all__ = [
    'PanelRow',
    'SegmentVisualizer',
    'colour_labels',
    'draw_panels',
    'draw_training_curve',
    'paint_instances',
    'paint_panoptic',
    'paint_semantic',
    'read_scalars',
]
