"""The text of a config is formatted once, and is MMEngine's."""

from __future__ import annotations

import copy

from mmengine.config import Config
from mmengine.config import config as mmengine_config

from mmmaskformer.apis.formatted_once import FormattedOnce


def test_text_is_formatted_again_only_after_a_change(monkeypatch):
    plain = Config(dict(lr=0.1, steps=[dict(end=5, by_epoch=False)], work_dir='here'))
    plain.env_variables['A'] = 'b'
    calls = []
    format_code = mmengine_config.FormatCode

    def counting(*args, **kwargs):
        calls.append(1)
        return format_code(*args, **kwargs)

    monkeypatch.setattr(mmengine_config, 'FormatCode', counting)
    expected = plain.pretty_text
    cfg = FormattedOnce.of(plain)
    calls.clear()
    assert cfg.pretty_text == copy.deepcopy(cfg).pretty_text == cfg.dump() == expected
    assert len(calls) == 1
    cfg.steps[0].end = 6
    assert 'end=6' in cfg.pretty_text
    assert plain.steps[0].end == 6  # shared: what is set later holds for both
    assert len(calls) == 2
