"""Checks of a config that cost nothing and are made before anything is built."""

import inspect
import os
import os.path as osp
from collections.abc import Iterator, Mapping, Sequence

from mmengine.config import Config
from mmengine.registry import DATASETS

SUFFIX_OF_PREFIX = {'img_path': 'img_suffix', 'seg_map_path': 'seg_map_suffix'}


def check_data(cfg: Config, phases: Sequence[str] = ('train', 'val')) -> None:
    """See that the folders and files the dataloaders name are there.

    Args:
        cfg: A complete config.
        phases: Whose dataloaders are looked at: of ``'train'``, ``'val'`` and ``'test'``.

    Raises:
        FileNotFoundError: A folder is missing or holds no file of the kind the data set looks for, or an
            annotation file is missing. The sentence says which one, whose it is, and what to set.
    """
    for phase in phases:
        dataloader = cfg.get(f'{phase}_dataloader') or {}
        for dataset in _inner_configs(dataloader.get('dataset')):
            _check_dataset(dataset, f'{phase}_dataloader', cfg.get('default_scope'))


def _inner_configs(dataset: Mapping | None) -> Iterator[Mapping]:
    """The configs of the data sets inside wrappers such as ``ConcatDataset`` and ``RepeatDataset``."""
    if not isinstance(dataset, Mapping):
        return
    inner = dataset.get('datasets') or ([dataset['dataset']] if 'dataset' in dataset else [])
    if not inner:
        yield dataset
    for child in inner:
        yield from _inner_configs(child)


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
            wanted = f'*{suffix} file' if suffix else 'file'
            raise FileNotFoundError(f'{dataloader}: the folder {folder} holds no {wanted}: {hint}')


def _suffix(dataset: Mapping, setting: str | None, scope: str | None) -> str:
    """The suffix a data set looks for: from its config, else from its class or the constructors of it.

    A class whose annotation file names its files has an empty one.
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
            known := inspect.signature(constructor).parameters
        ):
            return known[setting].default
    return ''


def _holds_file(folder: str, suffix: str) -> bool:
    walk = os.walk(folder, followlinks=True)
    return any(name.endswith(suffix) for _, _, names in walk for name in names)
