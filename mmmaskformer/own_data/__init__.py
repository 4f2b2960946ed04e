"""From a folder of annotated images to a trained model, in one call."""

from .new_config import describe_folder, new_config
from .trained_model import TrainedModel, load
from .training import Training, train, train_config

__all__ = [
    'TrainedModel',
    'Training',
    'describe_folder',
    'load',
    'new_config',
    'train',
    'train_config',
]
