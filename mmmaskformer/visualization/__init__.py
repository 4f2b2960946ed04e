"""Pictures of results: panels that set prediction beside truth, and training curves."""

from .panels import PanelRow, colour_labels, draw_panels
from .training_curve import draw_training_curve, read_scalars

__all__ = ['PanelRow', 'colour_labels', 'draw_panels', 'draw_training_curve', 'read_scalars']
