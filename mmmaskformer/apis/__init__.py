from .browse import browse_dataset
from .checks import check_data
from .run import test, train

__all__ = ['browse_dataset', 'check_data', 'test', 'train']
