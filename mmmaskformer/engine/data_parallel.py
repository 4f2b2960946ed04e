"""Data-parallel training: on CPUs, and with running statistics that validation and checkpoints share."""

from typing import Any

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from mmengine.runner import Runner
from torch import nn

from ..registry import HOOKS, MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class CPUDistributedDataParallel(MMDistributedDataParallel):
    """`MMDistributedDataParallel` with ``BN`` in place of ``SyncBN``, which runs on GPUs only.

    MMEngine does the same for a single process. Every process then normalizes by its own images.

    Args:
        module: The model.
        **kwargs: See `MMDistributedDataParallel`.
    """

    def __init__(self, module: nn.Module, **kwargs: Any) -> None:
        super().__init__(module=revert_sync_batchnorm(module), **kwargs)


@HOOKS.register_module()
class ShareBuffersHook(Hook):
    """Gives all processes the running statistics of the first before validation.

    Unsynchronized batch normalization (``BN``, and ``SyncBN`` on CPUs) collects running statistics per
    process, and a checkpoint stores those of the first: without this hook, validation during training uses
    other statistics than the checkpoint. Synchronized and frozen layers are equal in all processes anyway.
    """

    def before_val(self, runner: Runner) -> None:
        """Overwrite the buffers of the other processes."""
        for buffer in runner.model.buffers():
            broadcast(buffer)
