"""Hooks of the runner, mixed precision, and the groups of optimizers."""

from .bfloat16_optim_wrapper import Bfloat16OptimWrapper
from .check_dataset_hook import CheckDatasetHook
from .crash_safe_checkpoint_hook import CrashSafeCheckpointHook
from .data_parallel import CPUDistributedDataParallel, ShareBuffersHook
from .data_report_hook import DataReportHook
from .early_stopping_hook import EarlyStoppingHook
from .ema_hook import EMAHook
from .exact_resume_hook import ExactResumeHook
from .finite_loss_hook import FiniteLossHook, NonFiniteLossError
from .layer_decay import LayerDecayConstructor, TwoStageWarmupPolyLR
from .mask_annealing_hook import MaskAnnealingHook
from .merged_groups import MergedGroupsConstructor
from .resume_by_config_hook import ResumeByConfigHook
from .sharded_optimizer import install as resume_sharded_optimizers
from .time_budget_hook import TimeBudgetHook
from .time_left_hook import TimeLeftHook
from .validation_loss_hook import ValidationLossHook

resume_sharded_optimizers()

__all__ = [
    'Bfloat16OptimWrapper',
    'CPUDistributedDataParallel',
    'CheckDatasetHook',
    'CrashSafeCheckpointHook',
    'DataReportHook',
    'EMAHook',
    'EarlyStoppingHook',
    'ExactResumeHook',
    'FiniteLossHook',
    'LayerDecayConstructor',
    'MaskAnnealingHook',
    'MergedGroupsConstructor',
    'NonFiniteLossError',
    'ResumeByConfigHook',
    'ShareBuffersHook',
    'TimeBudgetHook',
    'TimeLeftHook',
    'TwoStageWarmupPolyLR',
    'ValidationLossHook',
]
