"""Baselines and ablations differ from MaskFormer's configs in what they are about, and in nothing else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from mmengine.config import Config

CONFIGS = Path(__file__).parents[1] / 'configs'
ADE20K = '8xb2-160k_ade20k-512x512'
ADE20K_PANOPTIC = '8xb2-720k_ade20k-panoptic-640x640'
HEAD = 'model.decode_head.'
CRITERION = {f'{HEAD}criterion.type': 'mmmaskformer.MaskFormerCriterion'}
FIXED = {**CRITERION, f'{HEAD}criterion.assigner.type': 'mmmaskformer.FixedAssigner'}
DECODER = {f'{HEAD}transformer_decoder.type': 'mmmaskformer.MaskFormerTransformerDecoder'}
BOXES = ('ClassificationCost', 'MaskBoxL1Cost', 'MaskBoxGIoUCost')
BY_BOXES = {
    **CRITERION,
    f'{HEAD}criterion.assigner.type': 'mmmaskformer.HungarianAssigner',
    f'{HEAD}criterion.assigner.costs': [dict(type=f'mmmaskformer.{name}') for name in BOXES],
}
ABLATIONS = {
    f'fixed-matching_{ADE20K}': {f'{HEAD}num_queries': 150, **FIXED},
    **{f'{n}-queries_{ADE20K}': {f'{HEAD}num_queries': n} for n in (20, 50, 150, 300, 1000)},
    **{
        f'{name}_{where}': {**DECODER, f'{HEAD}transformer_decoder.{key}': value}
        for name, key, value in (('1-layer', 'num_layers', 1), ('no-self-attention', 'self_attn', False))
        for where in (ADE20K, ADE20K_PANOPTIC)
    },
    f'general-inference_{ADE20K}': {'model.test_cfg.semantic': 'general'},
    'matching-by-boxes_8xb8-554k_coco-panoptic': BY_BOXES,
}
SMALL = [('toy', 'r18_toy', 'r18{}_toy', 10), ('camvid', *['r18{}_1xb4-1400i_camvid-192x256'] * 2, 11)]
ON_SETS = [
    f'r50_{ADE20K}',
    'r101_8xb2-90k_cityscapes-512x1024',
    'r50_8xb4-60k_coco-stuff10k-640x640',
    'r50_8xb2-200k_ade20k-full-512x512',
]


def flat(value: object, path: str = '') -> dict[str, object]:
    """Settings by their path, ``model.decode_head.num_classes``; only what runs, no variables on the way."""
    if not isinstance(value, dict):
        return {path: value}
    parts = (flat(child, f'{path}.{key}' if path else key) for key, child in value.items())
    return {key: child for part in parts for key, child in part.items()}


@cache
def settings(path: str) -> dict[str, object]:
    variables = ('decoder', 'fixed', 'assigner', 'names', 'head', 'kept')
    config = Config.fromfile(CONFIGS / f'{path}.py').to_dict()
    return flat({key: value for key, value in config.items() if key not in variables})


def changes(base: str, leaf: str) -> tuple[dict[str, object], set[str]]:
    """What a leaf says otherwise than its base, and which of the base's settings it has no more."""
    before, after = settings(base), settings(leaf)
    changed = {key: value for key, value in after.items() if before.get(key, changes) != value}
    return changed, set(before) - set(after)


@pytest.mark.parametrize('name', ABLATIONS)
def test_an_ablation_changes_one_thing(name):
    base = f'maskformer/maskformer_r50_{name.split("_", 1)[1]}'
    assert changes(base, f'ablations/maskformer_r50_{name}') == (ABLATIONS[name], set())


def test_every_ablation_is_listed():
    files = {path.stem for path in (CONFIGS / 'ablations').glob('*.py')}
    assert files == {f'maskformer_r50_{name}' for name in ABLATIONS}


@pytest.mark.parametrize('name', ON_SETS)
def test_baselines_of_the_paper_differ_in_the_head(name):
    plain, plus = (f'per_pixel_baseline/per_pixel_baseline_{kind}{name}' for kind in ('', 'plus_'))
    changed, gone = changes(f'maskformer/maskformer_{name}', plain)
    assert changed == {f'{HEAD}type': 'mmmaskformer.PerPixelBaselineHead'}
    assert gone == {f'{HEAD}num_queries'}
    assert changes(plain, plus) == ({f'{HEAD}type': 'mmmaskformer.PerPixelBaselinePlusHead'}, set())


@pytest.mark.parametrize(('folder', 'stem', 'pattern', 'num_classes'), SMALL)
def test_small_baselines_share_backbone_data_budget_and_seed(folder, stem, pattern, num_classes):
    base = f'{folder}/maskformer_{stem.format("")}'
    fixed, gone = changes(base, f'{folder}/maskformer_{pattern.format("_fixed")}')
    assert (fixed, gone) == ({f'{HEAD}num_queries': num_classes, **FIXED}, set())
    for name, kind in (('', ''), ('_plus', 'Plus')):
        leaf = f'{folder}/per_pixel_baseline{name}_{pattern.format("")}'
        changed, gone = changes(base, leaf)
        assert changed == {f'{HEAD}type': f'mmmaskformer.PerPixelBaseline{kind}Head'}
        assert f'{HEAD}num_queries' in gone
        lost = {key for key in gone if 'transformer_decoder' not in key}
        assert lost == {f'{HEAD}num_queries'}
        assert bool(gone - lost) == (folder == 'toy' and not kind)
