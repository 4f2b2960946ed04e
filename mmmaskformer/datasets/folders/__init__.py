"""Folders of images and annotations of any tool: recognised, described and prepared for training."""

from .contents import ClassOfFolder, FolderContents, FolderError, PreparedSet, Split
from .reading import look_at

__all__ = ['ClassOfFolder', 'FolderContents', 'FolderError', 'PreparedSet', 'Split', 'look_at']
