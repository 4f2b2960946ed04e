"""Optimizers that MMEngine's `FSDPStrategy` splits over processes can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

WRAPPED = '_fsdp_wrapped_module.'


def load_sharded_optimizer(strategy: Any, state_dict: Mapping[str, Any]) -> None:
    """Load the state of an optimizer, in place of ``FSDPStrategy.load_optim_state_dict``.

    MMEngine 0.10.7 gives the arguments of PyTorch's function in the order of PyTorch 2.0: with later releases
    every resume ends in ``TypeError: unhashable type: 'dict'``. PyTorch flattens the state of a parameter in
    the order of its indices, but a parameter in the order of its memory: with channels last, moments would
    belong to other weights.

    Args:
        strategy: An `FSDPStrategy` with its model and optimizer.
        state_dict: State of the optimizer in a checkpoint.
    """
    from torch.distributed.fsdp import FullyShardedDataParallel

    state = dict(state_dict['state'])
    for name in _channels_last_parameters(strategy.model):
        state[name] = {key: _in_order_of_memory(value) for key, value in state.get(name, {}).items()}
    wrapper = strategy.optim_wrapper
    loaded = FullyShardedDataParallel.optim_state_dict_to_load(
        model=strategy.model, optim=wrapper.optimizer, optim_state_dict={**state_dict, 'state': state}
    )
    wrapper.load_state_dict(loaded)


def install() -> None:
    """Let MMEngine's strategy use it."""
    try:
        from mmengine._strategy import FSDPStrategy
    except ImportError:  # it needs PyTorch 2
        return
    FSDPStrategy.load_optim_state_dict = load_sharded_optimizer


def _channels_last_parameters(model: nn.Module) -> Iterator[str]:
    for prefix, module in model.named_modules():
        flat = getattr(getattr(module, '_handle', None), 'flat_param', None)
        start = f'{prefix}.'.replace(WRAPPED, '') if prefix else ''
        for name, contiguous in zip(getattr(flat, '_fqns', ()), getattr(flat, '_contiguities', ())):
            if not contiguous:
                yield start + name


def _in_order_of_memory(value: Any) -> Any:
    """``(N, C, h, w)`` values laid out as those of a parameter with channels last."""
    if not isinstance(value, Tensor) or value.dim() != 4:
        return value
    return value.permute(0, 2, 3, 1).reshape(value.shape)
