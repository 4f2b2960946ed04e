"""Child registries of MMEngine's: configs name their members ``mmmaskformer.X``.

Importing :mod:`mmmaskformer` fills them, so a config needs only
``custom_imports = dict(imports=['mmmaskformer'])``.
"""

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODEL_WRAPPERS as MMENGINE_MODEL_WRAPPERS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import TASK_UTILS as MMENGINE_TASK_UTILS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import Registry

SCOPE = 'mmmaskformer'


def _child(parent: Registry, *locations: str) -> Registry:
    places = [f'mmmaskformer.{location}' for location in locations]
    return Registry(parent.name, parent=parent, scope=SCOPE, locations=places)


MODELS = _child(MMENGINE_MODELS, 'models')
TASK_UTILS = _child(MMENGINE_TASK_UTILS, 'models.assigners')
DATASETS = _child(MMENGINE_DATASETS, 'datasets')
TRANSFORMS = _child(MMENGINE_TRANSFORMS, 'datasets.transforms')
METRICS = _child(MMENGINE_METRICS, 'evaluation')
VISUALIZERS = _child(MMENGINE_VISUALIZERS, 'visualization')
HOOKS = _child(MMENGINE_HOOKS, 'engine', 'visualization')
OPTIM_WRAPPERS = _child(MMENGINE_OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS, 'engine')
PARAM_SCHEDULERS = _child(MMENGINE_PARAM_SCHEDULERS, 'engine')
MODEL_WRAPPERS = _child(MMENGINE_MODEL_WRAPPERS, 'engine')
