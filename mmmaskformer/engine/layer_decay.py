"""Learning rates that decay with the distance from the head, and a backbone that is warmed up second."""

from __future__ import annotations

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor, _ParamScheduler
from torch import nn

from mmmaskformer.registry import OPTIM_WRAPPER_CONSTRUCTORS, PARAM_SCHEDULERS

from .merged_groups import MergedGroupsConstructor, merge_groups

OF_BACKBONE = 'of_backbone'  # key of a parameter group


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayConstructor(MergedGroupsConstructor):
    """`MergedGroupsConstructor`, with a lower learning rate for each earlier block of the backbone.

    A parameter ``d`` blocks before the last has the rate times ``layer_decay_rate ** d``. The backbone tells
    the depth of its parameters (``get_layer_depth``). Groups of the backbone are marked, for
    `TwoStageWarmupPolyLR`. All else of ``paramwise_cfg`` means what it means in MMEngine::

        optim_wrapper = dict(
            constructor='mmmaskformer.LayerDecayConstructor',
            optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05),
            paramwise_cfg=dict(layer_decay_rate=0.8),
        )

    Args:
        optim_wrapper_cfg: Config of the optimizer wrapper, with its ``optimizer``.
        paramwise_cfg: MMEngine's, and ``layer_decay_rate``.

    Raises:
        ValueError: ``layer_decay_rate`` is not set.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None):
        super().__init__(optim_wrapper_cfg, paramwise_cfg)
        if 'layer_decay_rate' not in self.paramwise_cfg:
            raise ValueError('LayerDecayConstructor needs layer_decay_rate in paramwise_cfg, such as 0.8')

    def add_params(
        self, params: list[dict], module: nn.Module, prefix: str = '', is_dcn_module: Any = None
    ) -> None:
        """See MMEngine; MMEngine calls it for every module of the model, first for the model itself."""
        DefaultOptimWrapperConstructor.add_params(self, params, module, prefix, is_dcn_module)
        if not prefix:
            self._decay(params, module)
            params[:] = merge_groups(params, module)

    def _decay(self, params: list[dict], model: Any) -> None:
        if not hasattr(model.backbone, 'get_layer_depth'):
            raise ValueError(
                f'{type(model.backbone).__name__} does not tell the depth of its parameters: use '
                'mmmaskformer.MergedGroupsConstructor for it'
            )
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        for group in params:
            name = names[id(group['params'][0])]
            depth, number = model.backbone.get_layer_depth(name, 'backbone.')
            scale = self.paramwise_cfg['layer_decay_rate'] ** (number - 1 - depth)
            group['lr'] = group.get('lr', self.base_lr) * scale
            group[OF_BACKBONE] = name.startswith('backbone.')


@PARAM_SCHEDULERS.register_module()
class TwoStageWarmupPolyLR(_ParamScheduler):
    """Linear warm-up of the head, then of the backbone, and a polynomial fall to zero for each.

    The backbone, which is trained already, stands still while the head, which is not, is warmed up.

    Args:
        optimizer: With groups of `LayerDecayConstructor`.
        warmup: Iterations of the warm-up of the head.
        backbone_warmup: Iterations of the warm-up of the backbone, after that of the head.
        power: Of the polynomial.
        end: Iterations of the training; the runner sets it.
        **kwargs: As MMEngine's schedulers.

    Example:
        >>> param_scheduler = [dict(type='mmmaskformer.TwoStageWarmupPolyLR', by_epoch=False)]
    """

    def __init__(
        self,
        optimizer: Any,
        warmup: int = 500,
        backbone_warmup: int = 1000,
        power: float = 0.9,
        *,
        end: int,
        by_epoch: bool = False,
        **kwargs: Any,
    ):
        if by_epoch:
            raise ValueError('TwoStageWarmupPolyLR counts iterations: set by_epoch=False')
        self.warmup, self.backbone_warmup, self.power = warmup, backbone_warmup, power
        super().__init__(optimizer, 'lr', end=end, by_epoch=False, **kwargs)

    def _get_value(self) -> list[float]:
        groups = self.optimizer.param_groups
        return [
            base * self._factor(self.last_step, group.get(OF_BACKBONE, False))
            for base, group in zip(self.base_values, groups)
        ]

    def _factor(self, step: int, of_backbone: bool) -> float:
        first = self.warmup if of_backbone else 0
        length = self.backbone_warmup if of_backbone else self.warmup
        if step < first + length:
            return max(0, step - first) / length
        rest = max(1, self.end - self.begin - first - length)
        return max(0.0, 1 - (step - first - length) / rest) ** self.power
