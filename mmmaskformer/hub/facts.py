"""What a model card can say of a model: read from its config, its checkpoint and its logs, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from ..analysis.scores import TITLES, read_scores, split_scores
from ..checkpoints import safe_load
from ..checkpoints.config_of_checkpoint import read_config_text
from ..checkpoints.model_folder import last_part
from ..inference.config_files import evaluators_of, inner_configs, type_name
from ..visualization import read_records

UNKNOWN = 'not known'


class Metrics(NamedTuple):
    """Scores of a checkpoint.

    Attributes:
        values: Percent by title.
        source: What they were measured on, in words.
    """

    values: dict[str, float]
    source: str


def metrics_of(work_dir: Path | None, checkpoint: str | None) -> Metrics | None:
    """The scores of a checkpoint: of an evaluation of this file, or of the validation at its step.

    Args:
        work_dir: Folder of the training.
        checkpoint: The file in it.
    """
    if work_dir is None or checkpoint is None:
        return None
    evaluated = read_scores(work_dir, checkpoint)
    if evaluated is not None:
        return Metrics(_titled(evaluated.values), f'{evaluated.source} data')
    step = re.search(r'(?:iter|epoch)_(\d+)', Path(checkpoint).stem)
    if step is None:
        return None
    try:
        records = read_records(work_dir)
    except FileNotFoundError:
        return None
    for record in reversed(records):
        values, _ = split_scores(record)
        if values and record['step'] == int(step[1]):
            return Metrics(_titled(values), f'validation data, after {step[0].replace("_", " ")}')
    return None


def _titled(values: Mapping[str, float]) -> dict[str, float]:
    return {TITLES[name]: value for name, value in values.items()}


def data_of(config: Config) -> dict[str, str]:
    """Data sets of training, validation and test: their type and folder."""
    facts = {}
    for title, phase in (('Training', 'train'), ('Validation', 'val'), ('Test', 'test')):
        loader = config.get(f'{phase}_dataloader') or {}
        described = [_describe(dataset) for dataset in inner_configs(loader.get('dataset')) if dataset]
        facts[title] = '; '.join(dict.fromkeys(described)) or UNKNOWN
    measures = [type_name(evaluator) for evaluator in evaluators_of(config.get('test_evaluator'))]
    facts['Metrics of the config'] = ', '.join(measures) or UNKNOWN
    return facts


def _describe(dataset: Mapping[str, Any]) -> str:
    root = str(dataset.get('data_root') or '').rstrip('/')
    folder = f', folder `{last_part(root)}`' if root else ''
    return f'{type_name(dataset) or UNKNOWN}{folder}'


def recipe_of(config: Config, meta: Mapping[str, Any]) -> dict[str, str]:
    """Settings of the training, in words.

    Args:
        config: The whole config.
        meta: Of the checkpoint, see `meta_of_checkpoint`.
    """
    optimizer = (config.get('optim_wrapper') or {}).get('optimizer') or {}
    loop = config.get('train_cfg') or {}
    facts = {
        'Optimizer': _listed(optimizer),
        'Schedule': ', '.join(type_name(part) for part in _parts(config.get('param_scheduler'))) or UNKNOWN,
        'Length': _length(loop),
        'Batch size of a process': str((config.get('train_dataloader') or {}).get('batch_size', UNKNOWN)),
        'Crop (height, width)': _crop(config),
        'Started from': _start(config),
        'Seed': str(meta.get('seed', (config.get('randomness') or {}).get('seed', UNKNOWN))),
    }
    stored = {'Iterations of this checkpoint': meta.get('iter'), 'Written': meta.get('time')}
    return {**facts, **{title: str(value) for title, value in stored.items() if value}}


def _listed(settings: Mapping[str, Any]) -> str:
    plain = [
        f'{k}={v}' for k, v in settings.items() if k != 'type' and isinstance(v, int | float | tuple | list)
    ]
    return f'{type_name(settings)} ({", ".join(plain)})' if settings else UNKNOWN


def _parts(settings: Any) -> list[Any]:
    return list(settings) if isinstance(settings, list | tuple) else [settings] if settings else []


def _length(loop: Mapping[str, Any]) -> str:
    for key, unit in (('max_iters', 'iterations'), ('max_epochs', 'epochs')):
        if loop.get(key):
            return f'{loop[key]} {unit}'
    return UNKNOWN


def _crop(config: Config) -> str:
    steps = [
        step
        for step in _mappings((config.get('train_dataloader') or {}).get('dataset'))
        if 'crop_size' in step
    ]
    return str(tuple(steps[0]['crop_size'])) if steps else UNKNOWN


def _mappings(settings: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(settings, Mapping):
        yield settings
        settings = settings.values()
    elif not isinstance(settings, list | tuple):
        return
    for value in settings:
        yield from _mappings(value)


def _start(config: Config) -> str:
    if config.get('load_from'):
        return last_part(str(config.load_from))
    init = config.model.backbone.get('init_cfg') or {}
    named = init.get('checkpoint') if isinstance(init, Mapping) else None
    return f'backbone {last_part(str(named))}' if named else UNKNOWN


def meta_of_checkpoint(checkpoint: str) -> Mapping[str, Any]:
    """What MMEngine's runner stores beside the weights; empty for files of others."""
    if not Path(checkpoint).is_file() or Path(checkpoint).suffix != '.pth':
        return {}
    return safe_load(checkpoint).get('meta') or {}


def whole_config(parts: Config, meta: Mapping[str, Any], source: str) -> Config:
    """The config of the training, as the checkpoint carries it, or else the parts that prediction needs."""
    carried = meta.get('cfg')
    return read_config_text(carried, source) if isinstance(carried, str) else parts
