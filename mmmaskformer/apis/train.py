"""Training from a config, on GPUs or CPUs, in one process or many."""

from mmengine.config import Config
from mmengine.runner import Runner

from ..engine.checkpoint_files import checkpoint_folder, newest_whole_checkpoint
from .checks import check_data, check_run
from .console import ConsoleFilter, build_quiet_runner
from .runner import build_runner, stop_workers, use_mixed_precision


def train_model(
    cfg: Config, resume: bool = False, amp: str | None = None, console: ConsoleFilter | None = None
) -> Runner:
    """Train a model.

    Args:
        cfg: A complete config; ``cfg.work_dir`` and ``cfg.launcher`` must be set.
        resume: Go on from the newest whole checkpoint in ``cfg.work_dir``, if there is one; without one,
            start from ``cfg.load_from``, or from iteration 0.
        amp: Automatic mixed precision: ``'bf16'``, ``'fp16'`` (needs a GPU), or ``'auto'``, bf16 unless the
            GPU lacks it.
        console: Print progress and what this filter passes, in place of the log, which goes to its file.

    Returns:
        The runner, after training.
    """
    check_data(cfg, ('train', 'val'))
    if amp is not None:
        use_mixed_precision(cfg, amp)
    if resume:
        _resume_newest(cfg)
    check_run(cfg, 'train', cfg.get('load_from'))
    runner = build_runner(cfg) if console is None else build_quiet_runner(cfg, console)
    runner.train()
    stop_workers(runner)
    return runner


def _resume_newest(cfg: Config) -> None:
    hook = cfg.get('default_hooks', {}).get('checkpoint') or {}
    folder = checkpoint_folder(cfg.work_dir, hook.get('out_dir'))
    newest = newest_whole_checkpoint(folder, hook.get('filename_tmpl'))
    cfg.resume = newest is not None
    cfg.load_from = newest or cfg.get('load_from')
