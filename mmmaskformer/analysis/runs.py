"""Models to compare: a config with or without a checkpoint, or the work dir of a training run."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from torch import nn

from ..checkpoints import build_model
from ..inference.config_files import find_config, read_config
from ..inference.model_loading import load_model

RUN_SYNTAX = 'WORK_DIR, CONFIG or CONFIG,CHECKPOINT, each with LABEL= before it if wanted'


@dataclass(frozen=True)
class Run:
    """A model that is compared with others.

    Attributes:
        label: Its name in tables and images.
        config: Its config.
        checkpoint: Path or URL of its weights, if any.
        work_dir: Folder of its training, if there is one.
    """

    label: str
    config: Config
    checkpoint: str | None = None
    work_dir: Path | None = None

    def load(self) -> nn.Module:
        """The model with its weights, or with random ones if it has none, for prediction."""
        if self.checkpoint is not None:
            loaded = load_model(copy.deepcopy(self.config), self.checkpoint)
        else:
            loaded = load_model(_build(self.config), None)
        model: Any = loaded.model
        model.dataset_meta = {'thing_classes': loaded.meta['classes'], **loaded.meta}
        return model.requires_grad_(False)

    def need_checkpoint(self) -> str:
        """The checkpoint.

        Raises:
            ValueError: The run has no checkpoint.
        """
        if self.checkpoint is None:
            raise ValueError(f'{self.label} has no checkpoint: give CONFIG,CHECKPOINT or a trained work dir')
        return self.checkpoint


def _build(config: Config) -> nn.Module:
    model = revert_sync_batchnorm(build_model(config))
    model.cfg = config
    return model


def find_runs(
    texts: Sequence[str], options: Mapping[str, Any] | None = None, best: bool = False
) -> list[Run]:
    """Find runs by their description on the command line.

    Args:
        texts: Each a work dir, a config (path or name), or config and checkpoint with a comma between; each
            with ``label=`` before it if wanted.
        options: Settings that override those of every config.
        best: Of a work dir, take the checkpoint that was best in validation, not the last.

    Raises:
        FileNotFoundError: A work dir, config or checkpoint does not exist.
        ValueError: Two runs have one label, or a folder is not a work dir.
    """
    runs = [_find_run(text, best) for text in texts]
    labels = [run.label for run in runs]
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f'two runs have the label {label}: give labels with LABEL=')
    for run in runs:
        run.config.merge_from_dict(dict(options or {}))
    return runs


def _find_run(text: str, best: bool) -> Run:
    label, text = _split_label(text)
    if Path(text).is_dir():
        return read_work_dir(Path(text), label, best)
    name, _, checkpoint = text.partition(',')
    try:
        config = find_config(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{error} It is not a folder either; expected {RUN_SYNTAX}') from None
    if checkpoint and '://' not in checkpoint and not Path(checkpoint).exists():
        raise FileNotFoundError(f'the checkpoint {checkpoint} does not exist: give another path')
    return Run(label or Path(name).stem, config, checkpoint or None)


def _split_label(text: str) -> tuple[str, str]:
    label, equals, rest = text.partition('=')
    return (label, rest) if equals and '/' not in label and not Path(text).exists() else ('', text)


def read_work_dir(folder: Path, label: str = '', best: bool = False) -> Run:
    """The run that was trained in a folder, by MMEngine's runner.

    Raises:
        ValueError: There is no config in it.
    """
    configs = sorted(folder.glob('*.py'), key=_age) or sorted(folder.glob('*/vis_data/config.py'), key=_age)
    if not configs:
        raise ValueError(f'{folder} holds no config, so it is not a work dir of a run: give another folder')
    return Run(label or folder.resolve().name, read_config(configs[-1]), _checkpoint(folder, best), folder)


def _age(path: Path) -> float:
    return path.stat().st_mtime


def _checkpoint(folder: Path, best: bool) -> str | None:
    """The best checkpoint, that of ``last_checkpoint``, or the newest."""
    if best and (best_files := sorted(folder.glob('best_*.pth'), key=_age)):
        return str(best_files[-1])
    pointer = folder / 'last_checkpoint'
    last = (
        folder / Path(pointer.read_text().strip()).name if pointer.is_file() else None
    )  # folders may be moved
    if last is not None and last.is_file():
        return str(last)
    files = sorted(folder.glob('*.pth'), key=_age)
    return str(files[-1]) if files else None
