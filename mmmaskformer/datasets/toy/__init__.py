"""Procedurally drawn street scenes to try semantic and panoptic training on."""

from .classes import CATEGORIES, CATEGORY_IDS, Category
from .dataset import ToyDataset, ToyPanopticDataset
from .scene import Scene, draw_scene
from .writer import ToyRecipe, write_toy

__all__ = [
    'CATEGORIES',
    'CATEGORY_IDS',
    'Category',
    'Scene',
    'ToyDataset',
    'ToyPanopticDataset',
    'ToyRecipe',
    'draw_scene',
    'write_toy',
]
