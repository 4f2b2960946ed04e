from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mmmaskformer.checkpoints import Rule, Transform, rename, restore, tables
from mmmaskformer.checkpoints.rules import PATCH_MERGING, Format, relocated
from mmmaskformer.checkpoints.tables import FORMATS, recognize


def numbers(*names: str) -> dict[str, Tensor]:
    return {name: torch.tensor([float(i)]) for i, name in enumerate(names)}


def test_first_rule_wins_and_none_drops():
    negate = Transform(torch.neg, torch.neg)
    rules = [Rule('a.', None), Rule('b.{i}.', 'new.{i}.', negate), Rule('b.', 'rest.')]
    state = {'a.x': torch.ones(1), 'b.3.w': torch.ones(1), 'b.w': torch.ones(1)}
    renamed = rename(state, rules)
    assert {key: value.item() for key, value in renamed.items()} == {'new.3.w': -1.0, 'rest.w': 1.0}
    assert {key: value.item() for key, value in restore(renamed, rules).items()} == {'b.3.w': 1, 'b.w': 1}


@pytest.mark.parametrize(
    ('foreign', 'ours', 'foreign_name', 'own_name'),
    [
        ('res{i+1}.', 'layer{i}.', 'res2.w', 'layer1.w'),
        ('conv{k+1}.', 'stem.{3k}.', 'conv3.w', 'stem.6.w'),
        ('layers.{2-i}.{j}.', 'convs.{i}.{2j+1}.', 'layers.0.4.w', 'convs.2.9.w'),
        ('x.(y)+', 'z.', 'x.(y)+w', 'z.w'),
    ],
)
def test_numbers_both_ways(foreign, ours, foreign_name, own_name):
    rules = [Rule(foreign, ours)]
    assert list(rename(numbers(foreign_name), rules)) == [own_name]
    assert list(restore(numbers(own_name), rules)) == [foreign_name]


@pytest.mark.parametrize('name', ['layers.3.w', 'stem.4.w', 'layer.w'])
def test_numbers_that_nothing_is(name):
    rules = [Rule('layers.{2-i}.', 'a.{i}.'), Rule('stem.{3k}.', 'b.{k}.'), Rule('layer{i}.', 'c.')]
    with pytest.raises(ValueError, match=f"holds '{name}', which no rule"):
        rename(numbers(name), rules)


def test_parts_of_one_tensor():
    rules = [Rule(('q_', 'k_', 'v_'), 'in_')]
    state = {f'{part}_w': torch.randn(2, 3) for part in 'kqv'}  # in any order
    joined = rename(state, rules)
    assert torch.equal(joined['in_w'], torch.cat([state['q_w'], state['k_w'], state['v_w']]))
    assert all(torch.equal(tensor, state[name]) for name, tensor in restore(joined, rules).items())
    del state['k_w']
    with pytest.raises(ValueError, match="lacks 'k_w', a part"):
        rename(state, rules)
    state = {'q_w': torch.ones(2, 3), 'k_w': torch.ones(2, 4), 'v_w': torch.ones(2, 3)}
    with pytest.raises(ValueError, match=r"'k_w' of shape \(2, 4\), .*, which cannot be rearranged"):
        rename(state, rules)


def test_two_tensors_of_one_name():
    with pytest.raises(ValueError, match="'b' and another tensor for 'x'"):
        rename(numbers('a', 'b'), [Rule('a', 'x'), Rule('b', 'x')])


def test_name_without_a_place_elsewhere():
    with pytest.raises(ValueError, match=r"no place for 'head\.w'"):
        restore(numbers('head.w'), [Rule('head.', None), Rule('b', 'c')])


def test_relocated():
    rules = [Rule('a.b.', 'x.'), Rule(('a.q.', 'a.k.'), 'y.'), Rule('c.', 'z.')]
    assert relocated(rules, 'a.', 'd.') == [Rule(('d.b.',), 'x.'), Rule(('d.q.', 'd.k.'), 'y.')]


def test_patch_merging_computes_the_same():
    """Official: stack the four pixels' channels, then project. Here: nn.Unfold, then project."""
    pixels, weight = torch.randn(1, 3, 4, 4), torch.randn(5, 12)
    corners = [pixels[:, :, row::2, column::2] for column in (0, 1) for row in (0, 1)]
    official = torch.einsum('bchw,oc->bohw', torch.cat(corners, 1), weight)
    unfolded = torch.nn.functional.unfold(pixels, 2, stride=2).view(1, 12, 2, 2)
    ours = PATCH_MERGING.read(weight)
    torch.testing.assert_close(torch.einsum('bchw,oc->bohw', unfolded, ours), official)
    assert torch.equal(PATCH_MERGING.write(ours), weight)


def test_no_two_formats_share_a_mark():
    marks = [mark for known in FORMATS for mark in known.marks]
    assert len(set(marks)) == len(marks) > 10


def test_the_format_with_the_longest_mark_counts(monkeypatch):
    extension = Format('extension', ('sem_seg_head.predictor.level_embed.',), [])
    monkeypatch.setattr(tables, 'FORMATS', [extension, *FORMATS])
    names = ['backbone.conv1.weight', 'sem_seg_head.predictor.query_embed.weight']
    assert recognize(names).title == 'official'
    assert recognize([*names, 'sem_seg_head.predictor.level_embed.weight']) is extension
    assert recognize(names[:1]).title == 'MMPretrain'
    assert recognize(['weight']) is None
