"""Pictures of samples and results, panels that set prediction beside truth, and training curves."""

from .painting import paint_instances, paint_panoptic, paint_semantic
from .panels import PanelRow, SegmentRow, colour_labels, draw_panels, make_row
from .segment_visualizer import SegmentVisualizer
from .training_curve import draw_training_curve, read_scalars

__all__ = [
    'PanelRow',
    'SegmentRow',
    'SegmentVisualizer',
    'colour_labels',
    'draw_panels',
    'draw_training_curve',
    'make_row',
    'paint_instances',
    'paint_panoptic',
    'paint_semantic',
    'read_scalars',
]
