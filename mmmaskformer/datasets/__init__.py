from .camvid import CamVidDataset
from .transforms import LoadAnnotations, LoadImageFromFile

__all__ = ['CamVidDataset', 'LoadAnnotations', 'LoadImageFromFile']
