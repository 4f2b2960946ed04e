"""Quick checks of a config, made before anything is built."""

import difflib
import inspect
import logging
import os
import os.path as osp
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import DATASETS
from mmengine.runner import Runner

from ..inference.config_files import inner_configs

SUFFIX_OF_PREFIX = {'img_path': 'img_suffix', 'seg_map_path': 'seg_map_suffix'}

OTHER_SETTINGS = ('runner_type', 'strategy', 'compile', 'tta_model', 'tta_pipeline', 'custom_imports')
RUNNER_SETTINGS = {*inspect.signature(Runner).parameters, *OTHER_SETTINGS}
NEEDED = {
    'train': ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper'),
    'test': ('model', 'test_dataloader', 'test_cfg', 'test_evaluator'),
}
# Variables that are set in processes of a distributed run, and the programs that set them.
ENVIRONMENT = {
    'pytorch': ('RANK', 'torchrun (tools/dist_train.sh, tools/dist_test.sh)'),
    'slurm': ('SLURM_PROCID', 'srun (tools/slurm_train.sh, tools/slurm_test.sh)'),
    'mpi': ('OMPI_COMM_WORLD_LOCAL_RANK', 'mpirun'),
}


def check_run(cfg: Config, phase: str, checkpoint: str | None = None) -> None:
    """Check that a config has the settings of a run, and that its processes and its checkpoint exist.

    Logs a warning for a name that is close to a setting of the runner, which ignores unknown names.

    Args:
        cfg: A complete config.
        phase: ``'train'`` or ``'test'``.
        checkpoint: Path or URL of the checkpoint to load.

    Raises:
        ValueError: A setting or DeepSpeed is missing, or this process was not started by the ``launcher``.
        FileNotFoundError: The checkpoint does not exist.
    """
    for key in NEEDED[phase]:
        if key not in cfg:
            raise ValueError(
                f'The config has no {key}, which {phase}ing needs: add it, or inherit from a base.'
            )
    for key in cfg:
        close_names = difflib.get_close_matches(key, RUNNER_SETTINGS, n=1, cutoff=0.85)
        if key not in RUNNER_SETTINGS and close_names and close_names[0] not in cfg:
            print_log(
                f'{key} in the config is not a setting of the runner; did you mean {close_names[0]}?',
                'current',
                logging.WARNING,
            )
    strategy = str((cfg.get('strategy') or {}).get('type'))
    if 'DeepSpeed' in strategy and find_spec('deepspeed') is None:
        raise ValueError(
            f'The config has strategy.type={strategy!r}, but DeepSpeed is not installed: run '
            "`pip install deepspeed`, or set strategy.type to 'FSDPStrategy'."
        )
    variable, starter = ENVIRONMENT.get(cfg.get('launcher', 'none'), ('', ''))
    if variable and variable not in os.environ:
        raise ValueError(
            f'--launcher {cfg.launcher} needs processes started by {starter} ({variable} is not set): start '
            'them with it, or leave --launcher out.'
        )
    if checkpoint and '://' not in checkpoint and not osp.exists(osp.expanduser(checkpoint)):
        raise FileNotFoundError(f'The checkpoint {checkpoint} does not exist: give another path.')


def check_data(cfg: Config, phases: Sequence[str] = ('train', 'val')) -> None:
    """Check that the folders and files of the dataloaders exist.

    Args:
        cfg: A complete config.
        phases: The dataloaders to check, of ``'train'``, ``'val'`` and ``'test'``.

    Raises:
        FileNotFoundError: A folder is missing or holds no file of the kind the data set looks for, or an
            annotation file is missing. The message names it, its dataloader and the setting to change.
    """
    for phase in phases:
        dataloader = cfg.get(f'{phase}_dataloader') or {}
        for dataset in inner_configs(dataloader.get('dataset')):
            _check_dataset(dataset, f'{phase}_dataloader', cfg.get('default_scope'))


def _check_dataset(dataset: Mapping, dataloader: str, scope: str | None) -> None:
    root = dataset.get('data_root') or ''
    if '://' in root or dataset.get('backend_args'):  # not on this machine's disk
        return
    hint = f'put the data there, or set data_root in {dataloader}.dataset (now {root!r}).'
    if root and not osp.isdir(root):
        raise FileNotFoundError(f'{dataloader}: the folder {root} does not exist: {hint}')
    ann_file = dataset.get('ann_file')
    if ann_file and not osp.exists(osp.join(root, ann_file)):
        raise FileNotFoundError(f'{dataloader}: the file {osp.join(root, ann_file)} does not exist: {hint}')
    for key, prefix in (dataset.get('data_prefix') or {}).items():
        folder = osp.join(root, prefix or '')
        if not folder or '://' in folder:
            continue
        if not osp.isdir(folder):
            raise FileNotFoundError(f'{dataloader}: the folder {folder} does not exist: {hint}')
        suffix = _suffix(dataset, SUFFIX_OF_PREFIX.get(key), scope)
        if not _holds_file(folder, suffix):
            kind = f'*{suffix} file' if suffix else 'file'
            raise FileNotFoundError(f'{dataloader}: the folder {folder} holds no {kind}: {hint}')


def _suffix(dataset: Mapping, setting: str | None, scope: str | None) -> str:
    """Suffix of a data set's files: from its config, else from its class or a default of its constructors.

    Empty for a class that reads the names of its files from an annotation file.
    """
    if setting is None:
        return ''
    if setting in dataset:
        return dataset[setting]
    cls = dataset.get('type')
    if isinstance(cls, str):
        with DATASETS.switch_scope_and_registry(dataset.get('_scope_') or scope) as registry:
            cls = registry.get(cls)
    for base in inspect.getmro(cls) if inspect.isclass(cls) else ():
        if setting in vars(base):
            return vars(base)[setting]
        constructor = vars(base).get('__init__')
        if inspect.isfunction(constructor) and setting in (
            parameters := inspect.signature(constructor).parameters
        ):
            return parameters[setting].default
    return ''


def _holds_file(folder: str, suffix: str) -> bool:
    walk = os.walk(folder, followlinks=True)
    return any(name.endswith(suffix) for _, _, names in walk for name in names)
