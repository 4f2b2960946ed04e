"""Configs that split a model over GPUs: they build on a CPU, as far as the packages that are installed go."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import mmengine._strategy.deepspeed as mmengine_deepspeed
import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import RUNNERS, STRATEGIES, init_default_scope
from torch import nn

from mmmaskformer.apis.checks import check_run

FOLDER = Path(__file__).parents[1] / 'configs/maskformer/sharded'
RECIPE = FOLDER.parent / 'maskformer_swin-l-in22k_8xb2-160k_ade20k-640x640.py'
NAMES = ('swin-l_ade20k_fsdp', 'swin-l_ade20k_deepspeed')


def load(name: str) -> Config:
    cfg = Config.fromfile(FOLDER / f'{name}.py')
    init_default_scope(cfg.default_scope)
    return cfg


@pytest.mark.parametrize('name', NAMES)
def test_recipe_is_the_one_of_swin_l(name):
    cfg, recipe = load(name), Config.fromfile(RECIPE)
    changed = {key for key in {*cfg, *recipe} if cfg.get(key) != recipe.get(key)}
    assert changed <= {'runner_type', 'strategy', 'optim_wrapper', 'parts'}
    for key in ('constructor', 'optimizer', 'paramwise_cfg'):
        assert cfg.optim_wrapper[key] == recipe.optim_wrapper[key]
    assert {path.stem for path in FOLDER.glob('*.py')} == {*NAMES}


def test_fsdp_runner_is_built(tmp_path):
    cfg = load('swin-l_ade20k_fsdp')
    runner = RUNNERS.build(Config({**cfg.to_dict(), 'work_dir': str(tmp_path)}))
    assert type(runner.strategy).__name__ == 'FSDPStrategy'


def test_deepspeed_strategy_has_the_settings_of_the_recipe(monkeypatch):
    monkeypatch.setattr(mmengine_deepspeed, 'deepspeed', SimpleNamespace(__version__='0.16.0'))
    strategy = STRATEGIES.build(load('swin-l_ade20k_deepspeed').strategy)
    settings = {key: strategy.config[key] for key in ('gradient_clipping', 'train_micro_batch_size_per_gpu')}
    assert settings == dict(gradient_clipping=0.01, train_micro_batch_size_per_gpu=2)
    assert strategy.config['zero_optimization'] == dict(stage=2)
    wrapper = build_optim_wrapper(nn.Linear(2, 3), load('swin-l_ade20k_deepspeed').optim_wrapper)
    assert type(wrapper).__name__ == 'DeepSpeedOptimWrapper'
    assert wrapper.optimizer.defaults['lr'] == 6e-5


@pytest.mark.skipif(mmengine_deepspeed.deepspeed is not None, reason='DeepSpeed is installed')
def test_without_deepspeed_a_sentence_says_so():
    with pytest.raises(ValueError, match=r"'DeepSpeedStrategy', but DeepSpeed is not installed: run `pip"):
        check_run(load('swin-l_ade20k_deepspeed'), 'train')
