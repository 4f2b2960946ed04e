"""Procedurally drawn street scenes to try semantic and panoptic training on; `datasets.toy` reads them."""

from .scene import Scene, draw_scene
from .writer import ToyRecipe, write_toy

__all__ = ['Scene', 'ToyRecipe', 'draw_scene', 'write_toy']
