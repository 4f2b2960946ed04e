"""Validate what a checkpoint keeps."""

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmmaskformer.registry import HOOKS


@HOOKS.register_module()
class ShareBuffersHook(Hook):
    """Gives all processes the running statistics of the first before validation.

    Batch normalisation that learns (``BN``, and ``SyncBN`` on CPUs) collects statistics of its own in every
    process, and a checkpoint keeps those of the first: without this, a model in training is judged by other
    statistics than the checkpoint it leaves. Synchronised and frozen layers have nothing to share.
    """

    def before_val(self, runner: Runner) -> None:
        """Overwrite the buffers of the other processes."""
        for buffer in runner.model.buffers():
            broadcast(buffer)
