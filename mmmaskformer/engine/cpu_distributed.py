"""Data-parallel training on CPUs."""

from typing import Any

from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from torch import nn

from ..registry import MODEL_WRAPPERS


@MODEL_WRAPPERS.register_module()
class CPUDistributedDataParallel(MMDistributedDataParallel):
    """`MMDistributedDataParallel` whose ``SyncBN`` is ``BN``, for the former runs on GPUs only.

    MMEngine does the same for a single process. Every process then normalises by its own images.

    Args:
        module: The model.
        **kwargs: See `MMDistributedDataParallel`.
    """

    def __init__(self, module: nn.Module, **kwargs: Any) -> None:
        super().__init__(module=revert_sync_batchnorm(module), **kwargs)
