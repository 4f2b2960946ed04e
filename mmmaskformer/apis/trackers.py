"""Experiment trackers: TensorBoard, Weights & Biases, MLflow."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine.config import Config

TRACKERS = {'tensorboard': 'TensorboardVisBackend', 'wandb': 'WandbVisBackend', 'mlflow': 'MLflowVisBackend'}


def add_tracker(cfg: Config, name: str) -> None:
    """Let a run send its losses and scores to a tracker as well; ``vis_data/scalars.json`` is still written.

    Args:
        cfg: A config, which is changed. ``work_dir`` must be set.
        name: One of `TRACKERS`, which is also the name of the Python package.

    Raises:
        ValueError: The tracker is unknown, or its package is not installed.

    Example:
        >>> add_tracker(cfg, 'tensorboard')
        >>> train_model(cfg)
    """
    if name not in TRACKERS:
        raise ValueError(f'Unknown tracker {name!r}; expected one of {list(TRACKERS)}.')
    if find_spec(name) is None:
        raise ValueError(
            f'The tracker {name} needs the package {name}, which is not installed: pip install {name}'
        )
    visualizer = cfg.setdefault('visualizer', dict(type='mmmaskformer.SegmentVisualizer'))
    backends = list(visualizer.get('vis_backends') or [dict(type='LocalVisBackend')])
    if not any(str(backend['type']).endswith(TRACKERS[name]) for backend in backends):
        backends.append(dict(type=TRACKERS[name], **_settings(name, Path(cfg.work_dir).name)))
    visualizer['vis_backends'] = backends


def _settings(name: str, run: str) -> dict[str, Any]:
    """Project and name of the run, where a tracker has them."""
    settings: dict[str, dict[str, Any]] = {
        'wandb': dict(init_kwargs=dict(project='mmmaskformer', name=run)),
        'mlflow': dict(exp_name='mmmaskformer', run_name=run),
    }
    return settings.get(name, {})
