"""A model of PyTorch behind a server: images are read and predicted as `MaskFormerInferencer` does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from ..inference import MaskFormerInferencer
from ..inference.settings import tasks_of, test_cfg_for
from .served_model import Job, UnusableImageError, by_tasks


class InferencerModel:
    """See `ServedModel`.

    Args:
        inferencer: The inferencer, whose tasks are served.
        name: What people call the model.
    """

    def __init__(self, inferencer: MaskFormerInferencer, name: str) -> None:
        self.inferencer, self.name = inferencer, name
        self.classes, self.tasks = inferencer.classes, tasks_of(inferencer.test_cfg)
        self.settings: dict[str, Any] = dict(
            runs_with=f'PyTorch {torch.__version__}',
            device=str(inferencer.device),
            dtype='fp32' if inferencer.dtype is None else str(inferencer.dtype).removeprefix('torch.'),
            test_cfg=inferencer.test_cfg.to_dict(),
        )
        self._test_cfgs = {self.tasks: inferencer.test_cfg}

    def predict(self, jobs: Sequence[Job]) -> list[Any]:
        """See `ServedModel`."""
        return by_tasks(jobs, self._predict)

    def _predict(self, jobs: list[Job], tasks: tuple[str, ...]) -> list[Any]:
        if tasks not in self._test_cfgs:
            model = self.inferencer.model
            self._test_cfgs[tasks] = test_cfg_for(tasks, model, model.dataset_meta)
        self.inferencer.test_cfg = self._test_cfgs[tasks]
        paths = [str(job.path) for job in jobs]
        results = self.inferencer(paths, batch_size=len(jobs), skip_broken=True)
        found = {result.path: result for result in results}
        return [found.get(path) or self._why_skipped(job) for path, job in zip(paths, jobs)]

    def _why_skipped(self, job: Job) -> UnusableImageError:
        path = str(job.path)
        reasons = [reason for reason in self.inferencer.skipped if path in reason]
        reason = reasons[0] if reasons else f'The image {path} cannot be read.'
        return UnusableImageError(reason.replace(path, job.name))

    def overlay(self, result: Any, alpha: float) -> NDArray[Any]:
        """See `ServedModel`."""
        return result.draw(alpha=alpha)[..., ::-1]
