"""A config's own list of hooks does not take those of the package away."""

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.hooks import EMAHook

from mmmaskformer.apis.own_hooks import OWN_HOOKS, add_own_hooks

RUNTIME = Path(__file__).parents[2] / 'configs/_base_/default_runtime.py'


def names(cfg):
    return [hook['type'] if isinstance(hook, dict) else hook for hook in cfg.custom_hooks]


def test_the_runtime_has_all_of_them():
    cfg = Config.fromfile(RUNTIME)
    assert names(cfg) == [f'mmmaskformer.{name}' for name in OWN_HOOKS]
    before = cfg.pretty_text
    add_own_hooks(cfg)
    assert cfg.pretty_text == before


def test_a_list_of_ones_own(tmp_path):
    path = tmp_path / 'cfg.py'
    path.write_text(
        f"_base_ = {str(RUNTIME)!r}\nleft_out_hooks = ['FiniteLossHook', 'mmmaskformer.ShareBuffersHook']\n"
        "custom_hooks = [dict(type='EarlyStoppingHook', monitor='mIoU'),\n"
        "                dict(type='mmmaskformer.DataReportHook', seconds=0)]\n"
    )
    cfg = Config.fromfile(path)
    add_own_hooks(cfg)
    added = ('CheckDatasetHook', 'ResumeByConfigHook', 'ExactResumeHook')
    assert names(cfg) == [
        'EarlyStoppingHook',
        'mmmaskformer.DataReportHook',
        *(f'mmmaskformer.{name}' for name in added),
    ]
    assert cfg.custom_hooks[1].seconds == 0


@pytest.mark.parametrize('hooks', [None, [], [EMAHook()], [dict(type=EMAHook)]])
def test_no_list_and_hooks_that_are_built(hooks):
    cfg = Config(dict(custom_hooks=hooks))
    add_own_hooks(cfg)
    assert names(cfg)[-6:] == [f'mmmaskformer.{name}' for name in OWN_HOOKS]
    assert len(cfg.custom_hooks) == len(hooks or []) + 6


def test_a_name_that_is_not_a_hook():
    with pytest.raises(ValueError, match=r"Unknown name 'DataReport' in left_out_hooks; expected one of \["):
        add_own_hooks(Config(dict(left_out_hooks=['DataReport'])))
