from .loading import LoadAnnotations, LoadImageFromFile

__all__ = ['LoadAnnotations', 'LoadImageFromFile']
