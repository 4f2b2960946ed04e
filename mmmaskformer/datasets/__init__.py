"""Data sets that MMSegmentation lacks, and the transforms of the data pipelines."""

from .camvid import CamVidDataset
from .toy import ToyDataset
from .transforms import LoadAnnotations, LoadImageFromFile

__all__ = ['CamVidDataset', 'LoadAnnotations', 'LoadImageFromFile', 'ToyDataset']
