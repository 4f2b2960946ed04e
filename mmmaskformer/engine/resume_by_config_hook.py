"""Resume a training whose config has changed: the config counts, not the checkpoint."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmmaskformer.registry import HOOKS

from .group_layout import follow_groups
from .resume_checks import (
    ADVICE,
    check_classes,
    check_model,
    check_optimizer,
    config_changes,
    position,
    summary,
    trained_config,
)
from .schedule_replay import Schedule, constants, without_functions

WORLD_SIZE = 'world_size'


@HOOKS.register_module()
class ResumeByConfigHook(Hook):
    """Makes a resumed training follow its config where the checkpoint's state would overrule it.

    MMEngine resumes schedulers and optimizer with the settings they had, so that a longer schedule, other
    milestones, another learning rate or weight decay in the config change nothing: a finished schedule that
    is made longer trains on with a learning rate of 0. Here only progress comes from the checkpoint. Of a
    changed schedule, the values at the resumed iteration are computed as training computes them, step by step
    from the beginning, so they are those of a run that had the new config all along. An unchanged config
    resumes bit by bit as before, also where the parameters are in other groups (`MergedGroupsConstructor`).

    A change that cannot be made in the middle of a training is an error; every other difference is logged in
    one line. docs/reliability.md has the table.

    Raises:
        ValueError: The checkpoint and the config do not go together.
    """

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._changes: list[str] = []
        self._fresh: dict[str, Schedule] = {}
        self._unchanged: set[str] = set()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Save the number of processes; drop functions, with which a checkpoint could not be loaded."""
        checkpoint['meta'][WORLD_SIZE] = get_world_size()
        states = checkpoint.get('param_schedulers')
        if isinstance(states, dict):
            checkpoint['param_schedulers'] = {
                name: [without_functions(state) for state in schedulers]
                for name, schedulers in states.items()
            }
        elif states is not None:
            checkpoint['param_schedulers'] = [without_functions(state) for state in states]

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check what is about to be loaded, and copy settings of the config before they are overwritten."""
        resumes = bool(runner._resume) and runner._train_loop is not None
        if resumes or runner._train_loop is None:
            check_model(runner.model, checkpoint.get('state_dict'), self._source(runner), resumes)
        if not resumes:
            return
        check_classes(runner, checkpoint['meta'])
        self._changes = self._describe(runner, checkpoint)
        self._restore_weights(runner, checkpoint)
        self._fresh, self._unchanged = {}, set()
        saved_optimizers = _named(checkpoint.get('optimizer'))
        saved_schedules = _named(checkpoint.get('param_schedulers'))
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        for name, wrapper, schedulers in _optimizers(runner):
            fresh = self._fresh[name] = Schedule.of(wrapper, schedulers)
            if name in saved_optimizers:
                follow_groups(wrapper, model, saved_optimizers[name], saved_schedules.get(name) or ())
            saved = [constants(state) for state in saved_schedules.get(name) or ()]
            if name in saved_optimizers:
                check_optimizer(wrapper, saved_optimizers[name], self._source(runner))
                if saved == fresh.constants():
                    self._unchanged.add(name)
        position(runner, checkpoint['meta'], self._source(runner))

    def before_train(self, runner: Runner) -> None:
        """Set optimizers and schedulers by the config, and log what differs."""
        for name, wrapper, schedulers in _optimizers(runner) if self._fresh else ():
            fresh = self._fresh[name]
            self._changes += _follow_settings(wrapper, fresh)
            if name not in self._unchanged:
                self._changes.append(_follow_schedule(runner, wrapper, schedulers, fresh))
        if self._changes:
            runner.logger.warning(
                f'The config differs from that of the checkpoint, and is followed: {summary(self._changes)}. '
                'To continue with the old settings, set these back.'
            )
        self._fresh, self._changes = {}, []
        if runner.iter >= runner.max_iters:
            runner.logger.warning(
                f'Nothing is left to train: the checkpoint is at iteration {runner.iter}, and the config '
                f'ends training at {runner.max_iters}. To go on, raise train_cfg.max_iters (or max_epochs).'
            )

    @staticmethod
    def _source(runner: Runner) -> str:
        return str(runner._load_from or 'the checkpoint')

    def _describe(self, runner: Runner, checkpoint: dict) -> list[str]:
        """Differences from the config; also makes seed and best score follow the config."""
        meta, changes = checkpoint['meta'], []
        seed = (getattr(runner, '_randomness_cfg', None) or {}).get('seed')
        if seed is not None and meta.get('seed') not in (None, seed):
            changes.append(f'randomness.seed {meta["seed"]} -> {seed}')
            meta['seed'] = seed
        processes = meta.get(WORLD_SIZE, get_world_size())
        if processes != get_world_size():
            changes.append(f'processes {processes} -> {get_world_size()}')
        old = trained_config(meta)
        new = trained_config({'cfg': runner.cfg.pretty_text}) if old is not None else None
        if old is None or new is None:
            return changes
        hooks = [(config.get('default_hooks') or {}).get('checkpoint') or {} for config in (old, new)]
        if any(hooks[0].get(key) != hooks[1].get(key) for key in ('save_best', 'rule')):
            _forget_best(checkpoint)
        differences = config_changes(old, new)
        return [*(change for change in changes if change not in differences), *differences]

    def _restore_weights(self, runner: Runner, checkpoint: dict) -> None:
        """Without `EMAHook`, continue with the trained weights, not with their averages.

        `EMAHook` writes averages under ``state_dict``, and the weights themselves beside them.
        """
        averages = checkpoint.get('ema_state_dict')
        if averages is None or any(isinstance(hook, EMAHook) for hook in runner.hooks):
            return
        weights = {
            name.removeprefix('module.'): value
            for name, value in averages.items()
            if name.startswith('module.')
        }
        checkpoint['state_dict'].update(weights)
        self._changes.append('EMAHook -> none: training continues with the weights, not with their averages')


def _optimizers(runner: Any) -> Iterator[tuple[str, Any, list]]:
    """Name, wrapper and schedulers of each optimizer; a single one has no name."""
    wrapper, schedulers = runner.optim_wrapper, runner.param_schedulers or []
    if not hasattr(wrapper, 'optim_wrappers'):
        yield '', wrapper, schedulers
        return
    for name, member in wrapper.items():
        yield name, member, schedulers.get(name, []) if isinstance(schedulers, dict) else schedulers


def _named(states: Any) -> dict[str, Any]:
    """Saved states by the names of `_optimizers`."""
    if states is None:
        return {}
    single = isinstance(states, list) or 'param_groups' in states or 'state' in states
    return {'': states} if single else states


def _follow_settings(wrapper: Any, fresh: Schedule) -> list[str]:
    """Set the arguments of the optimizer's constructor, except scheduled ones, to the config's values.

    State that optimizers keep in their groups is unchanged: it is not an argument of the constructor.
    """
    constructors = (vars(cls).get('__init__') for cls in inspect.getmro(type(wrapper.optimizer)))
    settings = {name for make in constructors if make for name in inspect.signature(make).parameters}
    changes: dict[str, str] = {}
    for group, wanted in zip(wrapper.param_groups, fresh.param_groups):
        for key in settings & set(wanted) - fresh.keys():
            if _plain(group.get(key)) != _plain(wanted[key]):
                changes.setdefault(key, f'{key} of the optimizer {group.get(key)} -> {wanted[key]}')
            group[key] = wanted[key]
    return [changes[key] for key in sorted(changes)]


def _follow_schedule(runner: Runner, wrapper: Any, schedulers: list, fresh: Schedule) -> str:
    """Compute the schedule of the config at the resumed iteration; returns the change for the log."""
    if any(getattr(scheduler, 'need_val_args', False) for scheduler in schedulers):
        raise ValueError(
            'The schedule differs from that of the checkpoint, and ReduceOnPlateauLR depends on past '
            f'validations, so that its learning rate is not known: set param_scheduler back, or {ADVICE}'
        )
    loop: Any = runner.train_loop
    length = None if hasattr(loop, 'dataloader_iterator') else len(loop.dataloader)
    before = wrapper.param_groups[-1]['lr']
    fresh.after(runner.iter, runner.epoch, length).write_to(wrapper, schedulers)
    now = wrapper.param_groups[-1]['lr']
    return f'lr of iteration {runner.iter + 1} {before:.4g} -> {now:.4g}'


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _forget_best(checkpoint: Mapping[str, Any]) -> None:
    """Drop the best score: that of another metric is not comparable."""
    info = (checkpoint.get('message_hub') or {}).get('runtime_info', {})
    for key in [key for key in info if key.startswith(('best_score', 'best_ckpt'))]:
        del info[key]
