"""Parameters of equal settings share a group, and checkpoints with other groups resume."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from tiny_model import LOADER, Numbers
from torch import nn

from mmmaskformer.engine import ExactResumeHook, MergedGroupsConstructor, ResumeByConfigHook
from mmmaskformer.engine.group_layout import follow_groups

MERGED = 'mmmaskformer.MergedGroupsConstructor'
DEFAULT = 'DefaultOptimWrapperConstructor'
PARAMWISE = dict(
    norm_decay_mult=0.0,
    custom_keys=dict(backbone=dict(lr_mult=0.1), query_embed=dict(decay_mult=0.0)),
)
SCHEDULE = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=3, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=9, by_epoch=False),
]


class Network(BaseModel):
    """Groups of every kind of setting, in turn; a parameter is frozen."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Linear(3, 5)
        self.norm = nn.LayerNorm(5)
        self.query_embed = nn.Embedding(2, 5)
        self.frozen = nn.Linear(5, 5).requires_grad_(False)
        self.head = nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 1))

    def forward(self, inputs, data_samples=None, mode='loss'):
        numbers = torch.stack(list(inputs))[:, None] / torch.tensor([2.0, 3.0, 5.0])
        queries = self.frozen(self.norm(self.backbone(numbers))) + self.query_embed.weight.sum(0)
        return dict(loss=self.head(queries).square().mean())


def wrapper_config(constructor: str, **optimizer) -> dict:
    return dict(
        type='OptimWrapper',
        constructor=constructor,
        optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.1, **optimizer),
        clip_grad=dict(max_norm=0.01),
        paramwise_cfg=PARAMWISE,
    )


def settings_by_name(model: nn.Module, wrapper) -> dict:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = wrapper.optimizer.param_groups
    return {names[id(p)]: (g['lr'], g['weight_decay']) for g in groups for p in g['params']}


def train(folder, constructor: str, iterations: int = 8, resume=None) -> Runner:
    torch.manual_seed(3)
    runner = Runner(
        Network(),
        str(folder),
        train_dataloader=dict(LOADER, dataset=Numbers(range(1, 9))),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=iterations),
        optim_wrapper=wrapper_config(constructor),
        param_scheduler=SCHEDULE,
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4),
            logger=dict(type='LoggerHook', interval=1),
        ),
        custom_hooks=[ResumeByConfigHook(), ExactResumeHook()],
        load_from=None if resume is None else str(resume),
        resume=resume is not None,
        randomness=dict(seed=5),
        experiment_name=str(folder).replace('/', '_'),
    )
    runner.train()
    return runner


@pytest.fixture(autouse=True)
def _quick_start(monkeypatch) -> None:
    monkeypatch.setattr(Runner, '_log_env', lambda *_: None)  # it asks compilers for their versions


@pytest.fixture(scope='module')
def whole(tmp_path_factory) -> dict:
    """Trainings without interruption, with either constructor; checkpoints after 4 and 8 iterations."""
    folder = tmp_path_factory.mktemp('whole')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, '_log_env', lambda *_: None)
        runners = {name: train(folder / name, name) for name in (DEFAULT, MERGED)}
    return {name: (runner, folder / name) for name, runner in runners.items()}


def scalars(runner: Runner) -> dict:
    logged = runner.message_hub.log_scalars.items()
    return {name: history.data[0].tolist() for name, history in logged if 'time' not in name}


def test_one_group_for_each_combination_of_settings():
    model = Network()
    merged, default = (build_optim_wrapper(model, wrapper_config(name)) for name in (MERGED, DEFAULT))
    groups = [group['param_names'] for group in merged.optimizer.param_groups]
    norms = ['norm.weight', 'norm.bias', 'head.1.weight', 'head.1.bias']
    rest = ['head.0.weight', 'head.0.bias', 'head.2.weight', 'head.2.bias']
    assert groups == [['backbone.weight', 'backbone.bias'], norms, ['query_embed.weight'], rest]
    assert settings_by_name(model, merged) == settings_by_name(model, default)
    assert len(default.optimizer.param_groups) == 11
    assert merged.get_lr().keys() == default.get_lr().keys()


def test_training_is_the_same_to_the_last_bit(whole):
    (default, _), (merged, _) = whole[DEFAULT], whole[MERGED]
    for name, value in default.model.state_dict().items():
        assert torch.equal(merged.model.state_dict()[name], value), name
    logged = {name: scalars(runner) for name, (runner, _) in whole.items()}
    for name in ('train/lr', 'train/base_lr', 'train/loss', 'train/grad_norm'):
        assert logged[MERGED][name] == logged[DEFAULT][name]


@pytest.mark.parametrize(('before', 'after'), [(DEFAULT, MERGED), (MERGED, DEFAULT), (MERGED, MERGED)])
def test_a_checkpoint_resumes_with_other_groups(before, after, whole, tmp_path):
    """Weights, averages, schedules and what is logged are those of a training without interruption."""
    resumed = train(tmp_path, after, resume=whole[before][1] / 'iter_4.pth')
    expected, _ = whole[after]
    for name, value in expected.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name
    assert scalars(resumed) == scalars(expected)
    states = [torch.load(folder / 'iter_8.pth', weights_only=False) for folder in (tmp_path, whole[after][1])]
    assert states[0]['param_schedulers'] == states[1]['param_schedulers']
    groups = [
        [
            {k: v for k, v in group.items() if k != 'param_names'}
            for group in state['optimizer']['param_groups']
        ]
        for state in states
    ]
    assert groups[0] == groups[1]
    averages = [state['optimizer']['state'] for state in states]
    assert averages[0].keys() == averages[1].keys()
    assert all(torch.equal(averages[0][i]['exp_avg'], averages[1][i]['exp_avg']) for i in averages[0])
    log = Path(resumed.log_dir, f'{resumed.timestamp}.log').read_text()
    assert 'lr of iteration' not in log  # the schedule was not computed anew


def test_state_of_another_shape_is_refused():
    model = Network()
    saved = build_optim_wrapper(model, wrapper_config(DEFAULT)).state_dict()
    saved['state'] = {0: dict(step=torch.tensor(1.0), exp_avg=torch.zeros(7, 3))}
    with pytest.raises(ValueError, match=r'exp_avg of backbone.weight has the shape \(7, 3\).* \(5, 3\)'):
        follow_groups(build_optim_wrapper(model, wrapper_config(MERGED)), model, saved, [])


def test_groups_that_cannot_be_matched_stay(tmp_path):
    """Those of other parameters are refused by the check that follows."""
    model = Network()
    saved = build_optim_wrapper(model, wrapper_config(MERGED)).state_dict()
    saved['param_groups'][0]['param_names'][0] = 'neck.weight'
    before = repr(saved)
    follow_groups(build_optim_wrapper(model, wrapper_config(DEFAULT)), model, saved, [])
    assert repr(saved) == before


def pretend_parameters(*devices: str) -> SimpleNamespace:
    parameters = [
        SimpleNamespace(device=torch.device(name), requires_grad=True, is_floating_point=lambda: True)
        for name in devices
    ]
    return SimpleNamespace(parameters=lambda: parameters)


@pytest.mark.parametrize(
    ('devices', 'optimizer', 'fused'),
    [
        (['cuda', 'cuda'], dict(type='AdamW'), True),
        (['cuda', 'cpu'], dict(type='AdamW'), False),
        (['mps'], dict(type='AdamW'), False),
        (['cuda'], dict(type='AdamW', foreach=True), False),
        (['cuda'], dict(type='AdamW', fused=False), False),
        (['cuda'], dict(type='LBFGS'), False),
    ],
)
def test_the_optimizer_is_fused_where_all_parameters_are_on_cuda(devices, optimizer, fused):
    constructor = MergedGroupsConstructor(dict(optimizer=dict(optimizer, lr=0.1)))
    assert constructor._may_fuse(pretend_parameters(*devices)) is fused


def test_the_implementation_follows_the_device_not_the_checkpoint():
    model = Network()
    saved = build_optim_wrapper(model, wrapper_config(MERGED)).state_dict()
    for group in saved['param_groups']:
        group['fused'] = True
    follow_groups(build_optim_wrapper(model, wrapper_config(MERGED)), model, saved, [])
    assert [group['fused'] for group in saved['param_groups']] == [None] * 4
