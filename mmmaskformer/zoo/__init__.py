"""The model zoo: metafiles as OpenMMLab's tools read them, and the tables made from them."""

from .metafiles import Size, describe, measure, read_models, update_metafiles, zoo_folders
from .tables import stale_files, write_tables

__all__ = [
    'Size',
    'describe',
    'measure',
    'read_models',
    'stale_files',
    'update_metafiles',
    'write_tables',
    'zoo_folders',
]
