"""Images of samples and results, panels that set prediction beside ground truth, and training curves."""

from .count_plots import Gap, draw_gaps, draw_query_classes
from .learning_curve import LearningCurveHook, read_records
from .painting import paint_instances, paint_panoptic, paint_semantic
from .panels import PanelRow, SegmentRow, color_labels, draw_panels, make_row
from .plots import draw_class_bars, draw_training_curve, draw_training_curves, read_scalars
from .result_hook import ResultHook
from .segment_visualizer import SegmentVisualizer
from .sheets import QueryTile, draw_query_sheet

__all__ = [
    'Gap',
    'LearningCurveHook',
    'PanelRow',
    'QueryTile',
    'ResultHook',
    'SegmentRow',
    'SegmentVisualizer',
    'color_labels',
    'draw_class_bars',
    'draw_gaps',
    'draw_panels',
    'draw_query_classes',
    'draw_query_sheet',
    'draw_training_curve',
    'draw_training_curves',
    'make_row',
    'paint_instances',
    'paint_panoptic',
    'paint_semantic',
    'read_records',
    'read_scalars',
]
