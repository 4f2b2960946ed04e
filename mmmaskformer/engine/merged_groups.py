"""Optimizers with few parameter groups, which a GPU updates in few launches."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import OPTIMIZERS
from torch import Tensor, nn

from mmmaskformer.registry import OPTIM_WRAPPER_CONSTRUCTORS

# With one of these in the config, the implementation of the optimizer is the user's choice.
IMPLEMENTATIONS = ('fused', 'foreach', 'capturable', 'differentiable')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MergedGroupsConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's constructor, but parameters of equal settings share a group; on CUDA the optimizer is fused.

    MMEngine makes a group of every parameter, and an optimizer launches its kernels for each group: 1,500 a
    step for ResNet-50, here a dozen. ``paramwise_cfg`` means what it means there. Results are the same:
    gradients are clipped in the order of the model's parameters, as before. Groups name their parameters
    (``param_names``), by which `ResumeByConfigHook` resumes checkpoints with other groups, those of
    MMEngine's constructor too::

        optim_wrapper = dict(
            constructor='mmmaskformer.MergedGroupsConstructor',
            optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4),
            paramwise_cfg=dict(norm_decay_mult=0.0),
        )

    ``optimizer=dict(fused=False)`` keeps PyTorch's default implementation.

    Args:
        optim_wrapper_cfg: Config of the optimizer wrapper, with its ``optimizer``.
        paramwise_cfg: See MMEngine's `DefaultOptimWrapperConstructor`.
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer and its wrapper for a model."""
        network: Any = model.module if hasattr(model, 'module') else model
        if self._may_fuse(network):
            self.optimizer_cfg: dict = {**self.optimizer_cfg, 'fused': True}
        wrapper = super().__call__(model)
        if hasattr(wrapper, 'clip_func'):
            wrapper.clip_func = _in_order_of(list(network.parameters()), wrapper.clip_func)
        return wrapper

    def add_params(
        self, params: list[dict], module: nn.Module, prefix: str = '', is_dcn_module: Any = None
    ) -> None:
        """See MMEngine; MMEngine calls it for every module of the model, first for the model itself."""
        super().add_params(params, module, prefix, is_dcn_module)
        if not prefix:
            params[:] = merge_groups(params, module)

    def _may_fuse(self, model: nn.Module) -> bool:
        """Whether all parameters are on CUDA devices and the optimizer has a fused form."""
        kind = self.optimizer_cfg['type']
        optimizer = OPTIMIZERS.get(kind) if isinstance(kind, str) else kind
        chosen = any(self.optimizer_cfg.get(name) is not None for name in IMPLEMENTATIONS)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        on_cuda = all(p.device.type == 'cuda' and p.is_floating_point() for p in trained)
        return bool(trained) and on_cuda and not chosen and 'fused' in inspect.signature(optimizer).parameters


def merge_groups(groups: Sequence[dict], model: nn.Module) -> list[dict]:
    """One group for each combination of settings, in the order of their first parameters.

    Args:
        groups: Parameter groups, ``params`` and settings.
        model: Names the parameters.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    merged: dict[str, dict] = {}
    for group in groups:
        settings = {key: value for key, value in group.items() if key != 'params'}
        same = merged.setdefault(repr(sorted(settings.items())), dict(params=[], **settings, param_names=[]))
        same['params'] += group['params']
        same['param_names'] += [names[id(parameter)] for parameter in group['params']]
    return list(merged.values())


def _in_order_of(parameters: Sequence[Tensor], clip: Callable) -> Callable:
    """A function that clips gradients in a given order, in which their norms are summed."""
    places = {id(parameter): place for place, parameter in enumerate(parameters)}

    def clip_in_order(clipped: Sequence[Tensor], *args: Any, **kwargs: Any) -> Any:
        return clip(sorted(clipped, key=lambda p: places.get(id(p), len(places))), *args, **kwargs)

    return clip_in_order
