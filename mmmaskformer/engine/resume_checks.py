"""Checks that a checkpoint fits the config that resumes or tests it, and differences between configs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel, is_model_wrapper
from mmengine.runner import Runner

from ..checkpoints.config_of_checkpoint import read_config_text
from ..checkpoints.fit_to_model import check_fit
from ..checkpoints.tables import recognize

ADVICE = 'begin a new training from its weights: load_from=CHECKPOINT and resume=False.'
# Keys that schedulers leave in the groups of an optimizer.
SCHEDULED = ('initial_', 'max_', 'min_')
# Settings that change a training; everything else in a config concerns files, tests and names.
TRAINING = (
    'model',
    'train_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'auto_scale_lr',
    'randomness',
    'default_hooks',
    'custom_hooks',
    'val_dataloader',
    'val_cfg',
    'val_evaluator',
    'runner_type',
    'strategy',
)
# Settings that change no number.
SPEED = {'num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor', 'logger', 'visualization'}
ABSENT = 'not set'
LISTED = 12


def check_model(model: Any, state: Mapping[str, Any] | None, source: str, resumes: bool) -> None:
    """Check that a checkpoint of this package has all tensors of a model, with their shapes.

    Tests may leave the weights of auxiliary heads unused; a training that goes on may not.

    MMEngine logs missing names and continues with random values in their place. Foreign checkpoints are
    checked where they are renamed, and the number of classes by the head.

    Raises:
        ValueError: Tensors are missing or have other shapes; the message names them.
    """
    if is_model_wrapper(model):
        if not isinstance(model, MMDistributedDataParallel):
            return  # wrappers that shard a model have other names and shapes
        model = model.module
    model = getattr(model, 'module', model)  # test-time augmentation
    source_format = recognize(state or {})
    if not state or source_format is None or not source_format.ours or not source_format.whole:
        return
    rows = [
        f'{name}.{row}'
        for name, head in model.named_modules()
        for row in (*getattr(head, 'class_rows', ()), *getattr(head, 'query_rows', ()))
    ]
    state = {name.removeprefix('module.'): tensor for name, tensor in state.items()}
    if not resumes:
        state = {name: tensor for name, tensor in state.items() if not name.startswith('auxiliary_head.')}
    check_fit(state, model, source, class_rows=rows)


def check_classes(runner: Runner, meta: Mapping[str, Any]) -> None:
    """Compare the classes of the checkpoint with those of the training data.

    Raises:
        ValueError: There are more or fewer, or a class has another number.
    """
    old = (meta.get('dataset_meta') or {}).get('classes')
    new = (getattr(runner.train_dataloader.dataset, 'metainfo', None) or {}).get('classes')
    if old is None or new is None:
        return
    if len(old) != len(new):
        raise ValueError(
            f'The checkpoint was trained on {len(old)} classes, the training data have {len(new)}: '
            f'resuming goes on with the same ones. Set the classes back, or {ADVICE}'
        )
    moved = [name for index, name in enumerate(new) if name in old and old[index] != name]
    if moved:
        raise ValueError(
            f'The class {moved[0]!r} is number {list(new).index(moved[0])} in the training data, but was '
            f'number {list(old).index(moved[0])} when the checkpoint was trained: give the classes in the '
            f'old order, or {ADVICE}'
        )
    renamed = [f'{before!r} -> {after!r}' for before, after in zip(old, new) if before != after]
    if renamed:
        runner.logger.warning(
            f'Classes have other names than in the checkpoint: {", ".join(renamed[:5])}. If they are other '
            f'classes, {ADVICE}'
        )


def check_optimizer(wrapper: Any, saved: Mapping[str, Any], source: str) -> None:
    """Check that an optimizer's state belongs to the optimizer and to the parameters of the config.

    Raises:
        ValueError: It is the state of another optimizer, or of other parameter groups.
    """
    groups = saved.get('param_groups')
    if not isinstance(groups, list):
        return  # a strategy with a format of its own
    optimizer = wrapper.optimizer
    sizes = [[len(group['params']) for group in listed] for listed in (groups, optimizer.param_groups)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f'{source} has {sum(sizes[0])} trained tensors in {len(sizes[0])} groups, the config '
            f'{sum(sizes[1])} in {len(sizes[1])}: set model, optim_wrapper.paramwise_cfg and '
            f'optim_wrapper.constructor back, or {ADVICE}'
        )
    own, saved_keys = set(optimizer.defaults), {key for key in groups[0] if not key.startswith(SCHEDULED)}
    lacks, has = own - saved_keys, saved_keys - own - {'params', 'param_names', 'momentum'}
    if lacks and has:
        raise ValueError(
            f'optim_wrapper.optimizer is {type(optimizer).__name__}, but {source} has the state of another '
            f'optimizer (with {", ".join(sorted(has))}, without {", ".join(sorted(lacks))}): set it back, or '
            f'{ADVICE}'
        )


def position(runner: Runner, meta: dict[str, Any], source: str) -> None:
    """Correct the iteration of a checkpoint where an epoch has another length now.

    Raises:
        ValueError: The checkpoint is from the middle of an epoch of another length, or from a training that
            does not count epochs.
    """
    loop: Any = runner.train_loop
    if hasattr(loop, 'dataloader_iterator'):  # by iterations
        return
    length, epoch, iteration = len(loop.dataloader), meta['epoch'], meta['iter']
    if epoch * length <= iteration <= (epoch + 1) * length:
        return
    if epoch == 0:
        raise ValueError(
            f'{source} is at iteration {iteration} of a training by iterations, and the config trains by '
            f'epochs of {length}: set train_cfg back to IterBasedTrainLoop, or {ADVICE}'
        )
    if iteration % epoch:
        raise ValueError(
            f'{source} is from the middle of epoch {epoch + 1}, and epochs have another length now '
            f'({length} iterations): resume from the checkpoint of an epoch, or set train_dataloader back.'
        )
    runner.logger.warning(
        f'An epoch has {length} iterations, but had {iteration // epoch} when the checkpoint was written: '
        f'training continues at the beginning of epoch {epoch + 1}, as iteration {epoch * length}.'
    )
    meta['iter'] = epoch * length


def trained_config(meta: Mapping[str, Any]) -> Config | None:
    """The config that a checkpoint carries, None if it carries none or code is needed to read it."""
    text = meta.get('cfg')
    if not isinstance(text, str) or not text:
        return None
    try:
        return read_config_text(text, 'the checkpoint')
    except ValueError:
        return None


def config_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The differences that matter to training, each as ``train_cfg.max_iters 8 -> 24``."""
    return [
        change for key in TRAINING for change in _changes(old.get(key, ABSENT), new.get(key, ABSENT), key)
    ]


def summary(changes: Sequence[str]) -> str:
    """The changes on one line, the first of them if there are many."""
    more = [f'and {len(changes) - LISTED} more'] if len(changes) > LISTED else []
    return '; '.join([*changes[:LISTED], *more])


def _changes(old: Any, new: Any, place: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            if key not in SPEED:
                yield from _changes(old.get(key, ABSENT), new.get(key, ABSENT), f'{place}.{key}')
    elif _is_list(old) and _is_list(new) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new)):
            yield from _changes(*pair, f'{place}.{index}')
    elif _has_dicts(old) and _has_dicts(new):  # hooks, transforms, schedulers
        removed, added = [item for item in old if item not in new], [item for item in new if item not in old]
        yield f'{place} {_short(removed)} -> {_short(added)}'
    elif old != new and not (_is_list(old) and _is_list(new) and list(old) == list(new)):
        yield f'{place} {_short(old)} -> {_short(new)}'


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _has_dicts(value: Any) -> bool:
    return _is_list(value) and any(isinstance(item, Mapping) for item in value)


def _short(value: Any) -> str:
    """A value, or the type of a long one."""
    if isinstance(value, Mapping):
        return str(value.get('type', 'dict(...)'))
    if _has_dicts(value):
        return f'[{", ".join(_short(item) for item in value)}]'
    return str(value) if len(str(value)) <= 60 else f'{str(value)[:57]}...'
