"""Training and testing from a config, on GPUs or CPUs, in one process or many."""

import os.path as osp
from contextlib import nullcontext

import torch
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from ..engine.checkpoint_files import checkpoint_folder, newest_whole_checkpoint
from ..evaluation.per_image_metric import PerImageMetric
from ..inference.config_files import evaluators_of, type_name
from ..registry import METRICS
from .augmentation import use_augmentation
from .checks import check_data, check_run
from .cpu_processes import join_cpu_processes
from .own_hooks import add_own_hooks
from .precision import default_autocast, use_mixed_precision
from .unlabelled import predict_alone
from .workers import stop_workers


def train_model(cfg: Config, resume: bool = False, amp: str | None = None) -> Runner:
    """Train as the config says.

    Args:
        cfg: A complete config; ``cfg.work_dir`` and ``cfg.launcher`` must be set.
        resume: Go on from the newest whole checkpoint in ``cfg.work_dir``, if there is one; without one,
            begin anew, from ``cfg.load_from`` if the config has it.
        amp: Automatic mixed precision: ``'bf16'``, ``'fp16'`` (needs a GPU), or ``'auto'``, bf16 unless the
            GPU lacks it.

    Returns:
        The runner, after training.
    """
    check_data(cfg, ('train', 'val'))
    if amp is not None:
        use_mixed_precision(cfg, amp)
    if resume:
        _resume_newest(cfg)
    check_run(cfg, 'train', cfg.get('load_from'))
    runner = _build_runner(cfg)
    runner.train()
    stop_workers(runner)
    return runner


def evaluate_model(
    cfg: Config,
    checkpoint: str,
    out: str | None = None,
    show_dir: str | None = None,
    tta: bool = False,
    amp: str | None = None,
) -> dict[str, float]:
    """Evaluate a checkpoint on the test data.

    Args:
        cfg: A complete config; ``cfg.work_dir`` and ``cfg.launcher`` must be set.
        checkpoint: Path or URL.
        out: Folder for the predictions: label PNGs, or COCO's panoptic and instance files.
        show_dir: Folder for images with ground truth and predictions painted over them.
        tta: Average over the scales and flips of ``cfg.tta_pipeline``.
        amp: Automatic mixed precision, as in :func:`train_model`.

    Returns:
        The metrics.
    """
    check_data(cfg, ('test',))
    check_run(cfg, 'test', checkpoint)
    cfg.load_from = checkpoint
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        cfg[key] = None  # or drawing would ask for the training data
    if tta:
        use_augmentation(cfg)
    elif cfg.model.type == 'mmmaskformer.MaskFormer':  # metrics need no scores, unless the config says so
        cfg.model.test_cfg = dict(dict(seg_logits=False), **(cfg.model.get('test_cfg') or {}))
    predict_alone(cfg, writes=out is not None or show_dir is not None)
    _ask_for_files(cfg, out, show_dir)
    if amp is not None:
        cfg.test_cfg.fp16 = True
    with nullcontext() if amp is None else default_autocast(amp):
        runner = _build_runner(cfg)
        metrics = runner.test()
    stop_workers(runner)
    return metrics


def _resume_newest(cfg: Config) -> None:
    hook = cfg.get('default_hooks', {}).get('checkpoint') or {}
    folder = checkpoint_folder(cfg.work_dir, hook.get('out_dir'))
    newest = newest_whole_checkpoint(folder, hook.get('filename_tmpl'))
    cfg.resume = newest is not None
    cfg.load_from = newest or cfg.get('load_from')


def _ask_for_files(cfg: Config, out: str | None, show_dir: str | None) -> None:
    """Set what makes metrics write COCO's files, and the hook label maps and overlays."""
    if out is None and show_dir is None:
        return
    evaluators = evaluators_of(cfg.get('test_evaluator'))
    submitting = [evaluator for evaluator in evaluators if _has_own_files(evaluator.type)]
    for evaluator in submitting:
        if out is not None:
            evaluator.outfile_prefix = osp.join(out, type_name(evaluator).lower())
    labels = out if len(submitting) < len(evaluators) or not evaluators else None
    hooks = cfg.setdefault('default_hooks', {})
    hooks['visualization'] = dict(type='mmmaskformer.ResultHook', out=labels, show_dir=show_dir)


def _has_own_files(metric: str | type) -> bool:
    """Whether a metric writes COCO's submission files."""
    found = METRICS.get(metric) if isinstance(metric, str) else metric
    return isinstance(found, type) and issubclass(found, PerImageMetric)


def _build_runner(cfg: Config) -> Runner:
    add_own_hooks(cfg)
    if cfg.get('launcher') == 'pytorch' and not torch.cuda.is_available():
        join_cpu_processes(cfg)
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
