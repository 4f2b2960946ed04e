"""Metafiles and the tables made of them: complete, equal to the published numbers, and measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.fileio import load
from modelindex.load_model_index import load as load_index

from mmmaskformer.zoo import describe, measure, read_models, stale_files, write_tables, zoo_folders
from mmmaskformer.zoo.metafiles import entry_of, long_names

ROOT = Path(__file__).resolve().parents[1]
MODELS = {model['Name']: model for models in read_models(ROOT).values() for model in models}
SEMANTIC = ('mIoU', 'PQ_sem')
PANOPTIC = ('PQ', 'PQ_th', 'PQ_st', 'SQ', 'RQ')
QUICK = [
    'maskformer_r50_8xb2-160k_ade20k-512x512',
    'maskformer_swin-t_8xb8-554k_coco-panoptic',
    'maskformer_r50_8xb8-554k_coco-panoptic',
    'per_pixel_baseline_plus_r50_8xb2-160k_ade20k-512x512',
    'max_deeplab_r18_toy',
]
ADE20K, ADE20K_PANOPTIC = '8xb2-160k_ade20k-512x512', '8xb2-720k_ade20k-panoptic-640x640'


def test_every_config_is_listed_once_in_the_metafile_of_its_folder():
    for folder in zoo_folders(ROOT):
        listed = [model['Config'] for model in load(folder / 'metafile.yml')['Models']]
        there = [path.relative_to(ROOT).as_posix() for path in long_names(folder)]
        assert sorted(listed) == sorted(there)
        short = {name for model in MODELS.values() for name in model.get('Alias', [])}
        assert {path.stem for path in folder.glob('*.py')} - set(MODELS) <= short
    index = load(ROOT / 'model-index.yml')['Import']
    assert index == [f'configs/{folder.name}/metafile.yml' for folder in zoo_folders(ROOT)]


def test_the_index_is_what_mim_reads():
    index = load_index(str(ROOT / 'model-index.yml'))
    index.build_models_with_collections()
    wrong = [
        error for error in index.check(silent=True) if 'README' not in error
    ]  # from the root, as mmseg's
    assert not wrong
    assert {model.name for model in index.models} == set(MODELS)
    assert {model.in_collection for model in index.models} == {c.name for c in index.collections}


def test_what_is_said_of_a_config_is_what_it_says():
    for folder in zoo_folders(ROOT):
        for path in long_names(folder):
            entry = MODELS[path.stem]
            sizes = {key: entry['Metadata'][key] for key in ('Parameters', 'FLOPs')}
            assert entry == entry_of(path, sizes, entry), path
            if match := re.search(r'_(\d+)xb(\d+)-', path.stem):
                assert int(match[1]) * int(match[2]) == entry['Metadata']['Batch Size']


@pytest.mark.parametrize('name', QUICK)
def test_sizes_are_measured(name):
    entry = MODELS[name]
    size = measure(Config.fromfile(ROOT / entry['Config']))
    assert size.parameters == entry['Metadata']['Parameters']
    assert abs(size.multiply_adds - entry['Metadata']['FLOPs']) <= 0.5e8


def test_a_name_that_tells_nothing_is_refused(tmp_path):
    path = tmp_path / 'maskformer_mine.py'
    path.write_text(f"_base_ = '{ROOT}/configs/toy/maskformer_r18_toy.py'\n")
    with pytest.raises(ValueError, match='rename it, or add the data set'):
        describe(path)


def test_tables_are_up_to_date(tmp_path):
    assert not stale_files(ROOT), 'run python tools/model_zoo.py --tables'
    for name in ('configs/toy', 'docs'):
        (tmp_path / name).mkdir(parents=True)
        for path in (ROOT / name).glob('*.*'):
            if path.suffix in ('.md', '.yml', '.py'):
                (tmp_path / name / path.name).write_text(path.read_text())
    metafile, readme = tmp_path / 'configs/toy/metafile.yml', tmp_path / 'configs/toy/README.md'
    metafile.write_text(metafile.read_text().replace('Iterations: 1500', 'Iterations: 1499'))
    assert readme in stale_files(tmp_path)
    write_tables(tmp_path)
    assert '| 1499 |' in readme.read_text()
    assert not stale_files(tmp_path)


def test_weights_are_those_of_the_official_zoos():
    weights = [model['Weights'] for model in MODELS.values() if 'Weights' in model]
    own = [address for address in weights if address.startswith('package://')]
    assert all((ROOT / address.removeprefix('package://')).is_file() for address in own)
    successor = [address for address in weights if '/mask2former/' in address]
    wanted = r'https://dl\.fbaipublicfiles\.com/maskformer/mask2former/\w+/\w+/\w+/model_final_\w{6}\.pkl'
    assert all(re.fullmatch(wanted, address) for address in successor)
    assert len(successor) == len(set(successor)) == 47
    detr = [address for address in weights if '/detr/' in address]
    wanted = r'https://dl\.fbaipublicfiles\.com/detr/detr-[\w-]+-panoptic-[0-9a-f]{8}\.pth'
    assert all(re.fullmatch(wanted, address) for address in detr)
    assert len(detr) == len(set(detr)) == 3
    eomt = [address for address in weights if '_eomt_' in address]
    wanted = (
        r'https://huggingface\.co/tue-mps/\w+_eomt_(small|base|large)_\w+/resolve/main/pytorch_model\.bin'
    )
    assert all(re.fullmatch(wanted, address) for address in eomt)
    assert len(eomt) == len(set(eomt)) == 8
    weights = [address for address in weights if address not in (*own, *successor, *detr, *eomt)]
    assert len(weights) == len(set(weights)) == 30
    wanted = (
        r'https://dl\.fbaipublicfiles\.com/maskformer/(semantic|panoptic)-[\w-]+/\w+/model_final_\w{6}\.pkl'
    )
    assert all(re.fullmatch(wanted, address) for address in weights)


@pytest.fixture(scope='module')
def facts(shared) -> str:
    """The published results, written down independently of the metafiles."""
    return (shared / 'FACTS.md').read_text()


def rows(facts: str, title: str) -> list[list[str]]:
    """The cells of the table after a title, its head left out."""
    lines = facts[facts.index(title) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith('|'))
    table = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines[start:]]
    return table[2 : next(i for i, cells in enumerate(table) if len(cells) < 2)]


def metrics(name: str) -> dict[str, float]:
    return {key: value for result in MODELS[name]['Results'] for key, value in result['Metrics'].items()}


def numbers(cells: list[str]) -> list[float]:
    return [float(cell) for cell in cells]


def tag(backbone: str) -> str:
    """``Swin-B†`` as configs call it."""
    first = backbone.split(' ')[0].lower()
    return f'{first[:-1]}-in22k' if first.endswith('†') else f'{first}-in1k' if '(1k)' in backbone else first


def test_ade20k_agrees_with_the_paper(facts):
    for model, backbone, crop, single, multi, *_ in rows(facts, 'ADE20K-150 val'):
        kind = {'PerPixelBaseline': 'per_pixel_baseline', 'PerPixelBaseline+': 'per_pixel_baseline_plus'}
        name = f'{kind.get(model, "maskformer")}_{tag(backbone)}_8xb2-160k_ade20k-{crop}x{crop}'
        found = metrics(name)
        assert [found['mIoU'], found['mIoU(ms+flip)']] == numbers([single, multi]), name


def test_other_semantic_sets_agree_with_the_paper(facts):
    ends = ['r101_8xb2-90k_cityscapes-512x1024', f'r50_{ADE20K}']
    ends += ['r50_8xb4-60k_coco-stuff10k-640x640', 'r50_8xb2-200k_ade20k-full-512x512']
    for model, *cells in rows(facts, 'mIoU / PQ^St, R50'):
        kind = {'PerPixelBaseline': 'per_pixel_baseline', 'PerPixelBaseline+': 'per_pixel_baseline_plus'}
        for end, cell in zip(ends, cells, strict=True):
            name = f'{kind.get(model, "maskformer")}_{end}'
            assert [metrics(name)[key] for key in SEMANTIC] == numbers(cell.split(' ')[0].split('/')), name
    for start, value in {
        'r101_8xb4-60k_coco-stuff10k': 'COCO-Stuff-10k R101',
        'r101c_8xb4-60k_coco-stuff10k': 'R101c',
        'r101_8xb2-200k_ade20k-full': 'ADE20K-Full R101',
        'r101c_8xb2-90k_cityscapes': 'Cityscapes R101c',
        'r50_8xb2-300k_mapillary': 'Mapillary R50',
    }.items():
        (name,) = (name for name in MODELS if name.startswith(f'maskformer_{start}-'))
        line = facts[facts.index('COCO-Stuff-10k R101 ') :]
        assert str(metrics(name)['mIoU']) == re.search(rf'{value} (\d+\.\d)', line)[1], name
    assert 'R101c 17.4' in facts
    assert metrics('maskformer_r101c_8xb2-200k_ade20k-full-512x512')['mIoU'] == 17.4


def test_panoptic_results_agree_with_the_paper(facts):
    for model, backbone, *cells in rows(facts, 'COCO panoptic val'):
        if model == 'MaskFormer':
            name = f'maskformer_{tag(backbone)}_8xb8-554k_coco-panoptic'
            assert [metrics(name)[key] for key in PANOPTIC] == numbers(cells[:5]), name
            parameters = MODELS[name]['Metadata']['Parameters']
            assert round(parameters / 1e6) == int(cells[5].removesuffix('M')), name
            assert MODELS[name]['Metadata']['FLOPs'] == pytest.approx(float(cells[6][:-1]) * 1e9, rel=0.07)
    assert 'R50+6enc 34.7 (Th 32.2 St 39.7), R101+6enc 35.7' in facts
    assert list(metrics(f'maskformer_r50_{ADE20K_PANOPTIC}').values()) == [34.7, 32.2, 39.7]
    assert metrics(f'maskformer_r101_{ADE20K_PANOPTIC}') == {'PQ': 35.7}


def test_ablations_agree_with_the_paper(facts):
    text = ' '.join(facts[facts.index('Ablations (R50)') :].split())
    counts, scores = re.search(r'Queries ([\d/]+): ([\d./]+)\.', text).groups()
    for count, score in zip(counts.split('/'), scores.split('/'), strict=True):
        folder = 'maskformer_r50_' if count == '100' else f'maskformer_r50_{count}-queries_'
        assert metrics(folder + ADE20K)['mIoU'] == float(score)
    for pattern, name in {
        r'fixed matching \(N = K\) (\d+\.\d)/(\d+\.\d)': 'fixed-matching',
        r'bipartite (\d+\.\d)/(\d+\.\d)': '150-queries',
        r'"general" (\d+\.\d)/(\d+\.\d)': 'general-inference',
    }.items():
        found = metrics(f'maskformer_r50_{name}_{ADE20K}')
        assert [found[key] for key in SEMANTIC] == numbers(list(re.search(pattern, text).groups())), name
    one, six, without = re.search(r'layers: 1 (\S+), 6 (\S+), 6 without self-attention (\S+) ', text).groups()
    panoptic = re.search(r'\(panoptic PQ ([\d.]+)/([\d.]+)/([\d.]+)\)', text).groups()
    names = ('1-layer_', '', 'no-self-attention_')
    assert [metrics(f'maskformer_r50_{n}{ADE20K}')['mIoU'] for n in names] == numbers([one, six, without])
    assert [metrics(f'maskformer_r50_{n}{ADE20K_PANOPTIC}')['PQ'] for n in names] == numbers(list(panoptic))
    boxes = re.search(r'MaskFormer by boxes ([\d.]+),', text)[1]
    assert metrics('maskformer_r50_matching-by-boxes_8xb8-554k_coco-panoptic')['PQ'] == float(boxes)
