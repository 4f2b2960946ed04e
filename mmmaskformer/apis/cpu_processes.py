"""Several processes on CPUs: MMEngine itself starts distributed runs on accelerators only."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.config import Config


def join_cpu_processes(cfg: Config) -> None:
    """Connect the processes by gloo, and let the config wrap the model for them.

    Args:
        cfg: A complete config. Its model wrapper, or that of its ``FSDPStrategy``, is adapted.
    """
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    given = {'find_unused_parameters': cfg.get('find_unused_parameters', False)}
    cfg.model_wrapper_cfg = _on_cpu({**given, **(cfg.get('model_wrapper_cfg') or {})})
    strategy: Any = cfg.get('strategy') or {}
    if strategy.get('type') == 'FSDPStrategy':
        sharded = {'type': 'MMFullyShardedDataParallel'}
        strategy.model_wrapper = _on_cpu({**sharded, **(strategy.get('model_wrapper') or {})})


def _on_cpu(wrapper: dict) -> dict:
    """Config of a wrapper that does not take the number of a process for that of a GPU."""
    kind = wrapper.get('type', 'MMDistributedDataParallel')
    if kind == 'MMFullyShardedDataParallel':
        wrapper.pop('find_unused_parameters', None)
        return {'device_id': 'cpu', **wrapper}
    if kind == 'MMDistributedDataParallel':
        kind = 'mmmaskformer.CPUDistributedDataParallel'
    return {'broadcast_buffers': False, **wrapper, 'type': kind, 'device_ids': None}
