"""Images of samples and results, panels that set prediction beside ground truth, and training curves."""

from .class_bars import draw_class_bars
from .painting import paint_instances, paint_panoptic, paint_semantic
from .panels import PanelRow, SegmentRow, color_labels, draw_panels, make_row
from .query_sheet import QueryTile, draw_query_sheet
from .result_hook import ResultHook
from .segment_visualizer import SegmentVisualizer
from .training_curve import draw_training_curve, draw_training_curves, read_scalars

__all__ = [
    'PanelRow',
    'QueryTile',
    'ResultHook',
    'SegmentRow',
    'SegmentVisualizer',
    'color_labels',
    'draw_class_bars',
    'draw_panels',
    'draw_query_sheet',
    'draw_training_curve',
    'draw_training_curves',
    'make_row',
    'paint_instances',
    'paint_panoptic',
    'paint_semantic',
    'read_scalars',
]
