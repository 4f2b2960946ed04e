"""Typical errors of users in all tools: one sentence, no traceback."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from mmmaskformer.checkpoints import build_model
from mmmaskformer.inference.config_files import read_config
from mmmaskformer.toy_scenes import ToyRecipe, write_toy

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """
_base_ = {base!r}

data = dict(data_root={data!r})
train_dataloader = dict(batch_size=1, num_workers=0, persistent_workers=False, dataset=data)
val_dataloader = dict(batch_size=1, num_workers=0, persistent_workers=False, dataset=data)
test_dataloader = dict(batch_size=1, num_workers=0, persistent_workers=False, dataset=data)
train_cfg = dict(max_iters=1, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1))
model = dict(
    backbone=dict(init_cfg=None),
    decode_head=dict(num_queries=20, transformer_decoder=dict(num_layers=1)),
)
"""
TRAIN, TEST, BROWSE = 'tools/train.py', 'tools/test.py', 'tools/browse_dataset.py'
OPTION = '--cfg-options'


@pytest.fixture(scope='module')
def place(tmp_path_factory) -> Path:
    """A config, weights, a panoptic config, and files that are none of these."""
    folder = tmp_path_factory.mktemp('user_errors')
    write_toy(folder / 'toy', ToyRecipe(num_training=1, num_validation=1, height=64, width=96))
    for name in ('toy', 'toy-panoptic'):
        base = str(ROOT / f'configs/toy/maskformer_r18_{name}.py')
        (folder / f'{name}.py').write_text(CONFIG.format(base=base, data=str(folder / 'toy')))
    model = build_model(read_config(folder / 'toy.py'))
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'weights.pth')
    (folder / 'text.pth').write_text('not a checkpoint')
    (folder / 'syntax.py').write_text('model = dict(\n')
    (folder / 'name.py').write_text('model = undefined\n')
    (folder / 'base.py').write_text("_base_ = './absent.py'\n")
    (folder / 'module.py').write_text("custom_imports = dict(imports=['absent_module'])\n")
    (folder / 'empty.py').write_text('answer = 42\n')
    (folder / 'image.txt').write_text('not an image')
    (folder / 'folder').mkdir()
    return folder


def call(monkeypatch, place, tool, *arguments) -> str | int | None:
    """Run a tool in this process, in the folder of the files; what it exits with."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    monkeypatch.setattr(Runner, '_log_env', lambda *_: None)  # it asks compilers for their versions
    for name in ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_LOCAL_RANK'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(ROOT / tool), run_name='__main__')
    return stopped.value.code


CONFIGS = {  # for every tool that reads a config
    'absent.py': 'The config file absent.py does not exist',
    'folder': r'The config file folder does not exist|.*folder holds 0 files and no image',  # of train
    'syntax.py': r'syntax.py cannot be read as a config: SyntaxError',
    'name.py': r"name.py cannot be read as a config: .*'undefined'",
    'base.py': r'base.py inherits from .*absent.py, which does not exist',
    'module.py': r'module.py cannot be read as a config: .*absent_module',
    'weights.pth': r'weights.pth cannot be read as a config',
}


@pytest.mark.parametrize('tool', [TRAIN, TEST, BROWSE])
@pytest.mark.parametrize(('config', 'message'), CONFIGS.items())
def test_config_that_is_none(monkeypatch, place, tool, config, message):
    code = call(monkeypatch, place, tool, config, *(['weights.pth'] if tool == TEST else []))
    assert re.match(f'Error: {message}', str(code)), code
    assert '\n' not in code


RUNS = [  # arguments after the config and the checkpoint, what is said
    ((OPTION, 'modle.decode_head.num_classes=3'), "no setting 'modle' .*; did you mean 'model'"),
    (
        (OPTION, 'model.decode_head.num_class=3'),
        "MaskFormerHead has no setting 'num_class'; did you mean 'num_classes'",
    ),
    (
        (OPTION, 'model.decode_head.type=mmmaskformer.MaskFormerHed'),
        r"type 'mmmaskformer.MaskFormerHed', which is not in .* of models; did you mean 'MaskFormerHead'",
    ),
    ((OPTION, 'model.decode_head.pixel_decoder.type=Absent'), "type 'Absent'"),
    ((OPTION, 'model.backbone.depth=19'), r'ResNet cannot be built from the config: KeyError: .*depth 19'),
    ((OPTION, 'model.backbone.depth.x=19'), 'model.backbone.depth.x does not lead to a setting'),
    ((OPTION, 'model.data_preprocessor.size_diviser=32'), "'size_diviser'; did you mean 'size_divisor'"),
    (('--work-dir', 'image.txt/x'), 'Not a directory: .*image.txt'),
    (('--work-dir', 'image.txt'), 'image.txt'),
    (('--launcher', 'pytorch'), r'pytorch needs processes started by torchrun .* \(RANK is not set\)'),
    (('--launcher', 'slurm'), '--launcher slurm needs processes started by srun'),
    (('--launcher', 'mpi'), '--launcher mpi needs processes started by mpirun'),
    (('--amp', 'fp16'), '--amp fp16 needs a GPU'),
    (('--launcher', 'magic'), 2),
]


@pytest.mark.parametrize('tool', [TRAIN, TEST])
@pytest.mark.parametrize(('arguments', 'message'), RUNS, ids=[' '.join(r[0]) for r in RUNS])
def test_arguments_of_runs(monkeypatch, place, tmp_path, tool, arguments, message):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    first = ['toy.py', *(['weights.pth'] if tool == TEST else []), '--work-dir', str(tmp_path)]
    code = call(monkeypatch, place, tool, *first, *arguments)
    assert code == message if isinstance(message, int) else re.match(f'Error: .*{message}', str(code)), code
    assert '\n' not in str(code)


MISTAKES = {  # by tool: arguments, message
    'train': [
        (
            'toy.py --cfg-options train_dataloader.batchsize=2',
            "no setting 'batchsize'; did you mean 'batch_size'",
        ),
        (
            'toy.py --cfg-options train_cfg.max_iter=2',
            "IterBasedTrainLoop has no setting 'max_iter'; did you mean 'max_iters'",
        ),
        (
            'toy.py --cfg-options optim_wrapper.optimizer.lrr=2',
            "AdamW has no setting 'lrr'; did you mean 'lr'",
        ),
        ('toy.py --cfg-options default_hooks.checkpoint.intervals=2', "'intervals'; did you mean 'interval'"),
        (
            'toy.py --cfg-options train_dataloader.dataset.img_sufix=.png',
            "'img_sufix'; did you mean 'img_suffix'",
        ),
        ('toy.py --cfg-options load_from=absent.pth', 'The checkpoint absent.pth does not exist'),
        ('toy.py --cfg-options load_from=text.pth', 'text.pth cannot be read as a checkpoint'),
        (
            'toy.py --cfg-options model.decode_head.in_channels=[1,2,3,4]',
            r'decode_head.in_channels .*\[1, 2, 3, 4\].* \[32, 64, 128, 256\]',
        ),
        (
            'toy.py --cfg-options model.decode_head.in_channels=[32,64,128]',
            r'decode_head.in_channels .*\[32, 64, 128\]',
        ),
        ('empty.py', 'The config has no model, which training needs'),
        (
            'toy.py --cfg-options train_dataloader.dataset.data_root=absent',
            'train_dataloader: the folder absent does not exist',
        ),
    ],
    'test': [
        ('toy.py absent.pth', 'The checkpoint absent.pth does not exist'),
        ('toy.py text.pth', 'text.pth cannot be read as a checkpoint'),
        ('toy.py toy.py', 'toy.py cannot be read as a checkpoint'),
        ('empty.py weights.pth', 'The config has no model, which testing needs'),
        (
            'toy.py weights.pth --cfg-options model.decode_head.num_queries=7',
            'the checkpoint has 20 queries, this model num_queries=7',
        ),
        (
            'toy.py weights.pth --cfg-options model.decode_head.transformer_decoder.num_layers=2',
            r'weights\.pth does not fit .* it lacks',
        ),
        (
            'toy.py weights.pth --cfg-options model.data_preprocessor.mean=[1.0,2.0] '
            'model.data_preprocessor.std=[1.0,2.0]',
            'mean and std',
        ),
        (
            'toy.py weights.pth --tta --cfg-options tta_pipeline=None',
            '--tta needs the scales and flips in tta_pipeline',
        ),
        ('toy-panoptic.py weights.pth --tta --cfg-options test_evaluator=[]', '--tta'),
    ],
    'browse_dataset': [
        ('toy.py --output-dir image.txt', 'image.txt'),
        (
            'toy.py --cfg-options train_dataloader.dataset.data_root=absent',
            'the folder absent does not exist',
        ),
        ('empty.py', 'train_dataloader'),
    ],
    'infer': [
        ('absent.jpg --model toy.py --weights weights.pth --device cpu', 'absent.jpg'),
        ('image.txt --model toy.py --weights weights.pth --device cpu', 'image.txt'),
        ('image.txt --model absent.py --weights weights.pth', 'absent.py is neither'),
        ('image.txt --model syntax.py --weights weights.pth', 'syntax.py cannot be read'),
        ('image.txt --model toy.py --weights text.pth', 'text.pth cannot be read'),
        ('image.txt --model toy.py --weights absent.pth', 'absent.pth does not exist'),
        ('image.txt --model empty.py --weights weights.pth', 'model'),
        ('image.txt --model toy.py --device gpu', 'gpu'),
    ],
    'convert_checkpoint': [
        ('absent.pth out.pth', 'absent.pth'),
        ('text.pth out.pth', 'text.pth cannot be read'),
        ('weights.pth out.pth --config absent.py', 'The config file absent.py does not exist'),
        ('weights.pth image.txt/out.pth --config toy.py', 'image.txt'),
    ],
    'compare': [
        ('--models Absent --out image.txt', ''),
    ],
    'demo': [
        ('--config absent.py --data toy --out demo', ''),
        ('--data folder --out image.txt', 'image.txt'),
    ],
    'analysis_tools/compare_models': [
        ('absent', 'absent is neither'),
        ('folder', 'folder holds no config'),
        ('toy.py,absent.pth', 'absent.pth does not exist'),
        ('toy.py --out image.txt --repeats 0', 'image.txt'),
    ],
    'analysis_tools/compare_classes': [
        ('toy.py toy.py', ''),
        ('a=toy.py b=toy.py', 'has no checkpoint'),
    ],
    'analysis_tools/look_at_queries': [
        ('toy.py', 'has no checkpoint'),
        ('toy.py,text.pth', 'text.pth cannot be read'),
    ],
    'analysis_tools/plot_curves': [
        ('toy.py', ''),
        ('folder', 'folder holds no config'),
    ],
    'analysis_tools/reproduce_loss': [
        ('absent.pth', 'no snapshot at absent.pth'),
        ('weights.pth', ''),
        ('text.pth', 'text.pth cannot be read'),
    ],
    'dataset_converters/toy': [
        ('--out folder --num-training 0', 'at least one scene'),
        ('--out image.txt', 'image.txt is a file'),
        ('--out image.txt/x', 'image.txt'),
    ],
}
CASES = [(tool, *case) for tool, cases in MISTAKES.items() for case in cases]


@pytest.mark.parametrize(('tool', 'arguments', 'message'), CASES, ids=[' '.join(case[:2]) for case in CASES])
def test_error_in_settings(monkeypatch, place, tmp_path, tool, arguments, message):
    work_dir = ['--work-dir', str(tmp_path)] if tool in ('train', 'test') else []
    code = call(monkeypatch, place, f'tools/{tool}.py', *arguments.split(), *work_dir)
    assert re.match(f'Error: .*{message}.*--debug', str(code)), code
    assert '\n' not in code


@pytest.mark.parametrize(
    'name',
    [
        'ade20k_full',
        'ade20k_panoptic',
        'cityscapes',
        'cityscapes_panoptic',
        'clothing_co_parsing',
        'coco_stuff10k',
        'mapillary',
    ],
)
@pytest.mark.parametrize('root', ['absent', 'image.txt', 'folder'])
def test_converter(monkeypatch, place, capsys, name, root):
    """Converters exit with 1 and print the sentence themselves."""
    assert call(monkeypatch, place, f'tools/dataset_converters/{name}.py', root, '--num-workers', '1') == 1
    printed = capsys.readouterr()
    assert re.search(r'\nError: .+\n$', printed.err), printed.err
    assert 'Traceback' not in printed.err


def test_debug_shows_where(monkeypatch, place, tmp_path):
    monkeypatch.chdir(place)
    options = ['toy.py', '--debug', '--work-dir', str(tmp_path), OPTION, 'model.decode_head.num_class=3']
    monkeypatch.setattr(sys, 'argv', [TRAIN, *options])
    with pytest.raises(TypeError, match='unexpected keyword'):
        runpy.run_path(str(ROOT / TRAIN), run_name='__main__')


def test_faults_of_the_program_keep_their_traceback(monkeypatch, place, tmp_path):
    """An exception during training is not an error in the config."""
    from mmmaskformer.models import MaskFormer

    def broken(*_, **__):
        raise KeyError('fault')

    monkeypatch.setattr(MaskFormer, 'loss', broken)
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, 'argv', [TRAIN, 'toy.py', '--work-dir', str(tmp_path)])
    with pytest.raises(KeyError, match='fault'):
        runpy.run_path(str(ROOT / TRAIN), run_name='__main__')
