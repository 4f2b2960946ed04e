"""The tools on a few small images, with the package imported before; and what their shell scripts start."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from warm_python import run_warm

ROOT = Path(__file__).parents[1]
CONFIG = """
_base_ = {base!r}

pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]
data = dict(data_root={data!r}, pipeline=pipeline)
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False, dataset=data)
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=data)
test_dataloader = dict(num_workers=0, dataset=data)
train_cfg = dict(max_iters=2, val_interval=2)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=2))
model = dict(
    decode_head=dict(
        num_queries=14,
        pixel_decoder=dict(type='mmmaskformer.FPNPixelDecoder', channels=64, mask_channels=64),
        transformer_decoder=dict(
            type='mmmaskformer.MaskFormerTransformerDecoder', channels=64, num_layers=1, ffn_channels=64
        ),
    ),
)
"""


IMAGES = [f'drive{drive}/{number}.png' for drive in range(2) for number in range(2)]


def files_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*.png'))


def run(*command, expect=0, **environment):
    """Run a command without a GPU, and return what it printed."""
    command = [str(part) for part in command]
    if command[0] == sys.executable:
        result = run_warm(None, *command[1:], cwd=ROOT, check=False)
        assert result.returncode == expect, result.stdout + result.stderr
        return result.stdout + result.stderr
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    environment = {
        **os.environ,
        'PATH': path,
        'PYTHONPATH': str(ROOT),
        'CUDA_VISIBLE_DEVICES': '',
        'OMP_NUM_THREADS': '1',
        **{name: str(value) for name, value in environment.items()},
    }
    result = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert result.returncode == expect, result.stdout
    return result.stdout


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """A small model, and for each split four images of 64x64 in two folders, with the same names in both."""
    folder = tmp_path_factory.mktemp('tools')
    random = np.random.RandomState(0)
    for split in ('train', 'val', 'test'):
        for kind in ('img', 'ann'):
            for drive in range(2):
                (folder / 'data' / kind / split / f'drive{drive}').mkdir(parents=True)
        for index in (f'drive{number // 2}/{number % 2}' for number in range(4)):
            labels = np.kron(random.randint(0, 12, (2, 2)), np.ones((32, 32))).astype(np.uint8)
            cv2.imwrite(str(folder / f'data/ann/{split}/{index}.png'), labels)
            cv2.imwrite(
                str(folder / f'data/img/{split}/{index}.jpg'), np.repeat(labels[..., None] * 20, 3, 2)
            )
    base = str(ROOT / 'configs/camvid/maskformer_r18_1xb4-1400i_camvid-192x256.py')
    path = folder / 'tiny.py'
    path.write_text(CONFIG.format(base=base, data=str(folder / 'data')))
    return path


@pytest.fixture(scope='module')
def trained(config, tmp_path_factory):
    """Work dir and log of two training iterations."""
    work_dir = tmp_path_factory.mktemp('train')
    return work_dir, run(sys.executable, 'tools/train.py', config, '--work-dir', work_dir)


def test_train(trained):
    work_dir, log = trained
    assert 'Iter(train) [2/2]' in log
    assert 'mIoU' in log
    assert (work_dir / 'iter_2.pth').is_file()
    assert (work_dir / 'tiny.py').is_file()


def test_test_with_predictions_and_images(trained, config, tmp_path):
    work_dir, _ = trained
    log = run(
        *(sys.executable, 'tools/test.py', config, work_dir / 'iter_2.pth', '--work-dir', tmp_path),
        *('--out', tmp_path / 'out', '--show-dir', tmp_path / 'show'),
    )
    assert 'mIoU' in log
    assert files_in(tmp_path / 'out') == files_in(tmp_path / 'show') == IMAGES
    assert cv2.imread(str(tmp_path / 'out' / IMAGES[0]), cv2.IMREAD_UNCHANGED).shape == (64, 64)


TEST_IN_TWO = """
import runpy, sys
from pathlib import Path
from forked_ranks import run_ranks

def work(rank, world):
    tool = runpy.run_path(sys.argv[2])
    sys.argv[1:] = [*sys.argv[3:], '--launcher', 'pytorch']
    tool['main'](tool['parse_args']())

run_ranks(work, 2, Path(sys.argv[1]))
"""


def test_distributed_test_with_augmentation(trained, config, tmp_path):
    work_dir, _ = trained
    arguments = [
        str(ROOT / 'tools/test.py'),
        config,
        work_dir / 'iter_2.pth',
        '--work-dir',
        tmp_path,
        '--tta',
    ]
    arguments += ['--out', tmp_path / 'out', '--show-dir', tmp_path / 'show']
    done = run_warm(TEST_IN_TWO, str(tmp_path), *map(str, arguments), path=(ROOT / 'tests/distributed',))
    assert 'mIoU' in done.stdout
    assert files_in(tmp_path / 'out') == files_in(tmp_path / 'show') == IMAGES


def test_distributed_test_hands_its_arguments_to_torchrun(tmp_path):
    """A stand-in for Python prints them."""
    python = tmp_path / 'python'
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    printed = run(
        'tools/dist_test.sh', 'cfg.py', 'it.pth', 2, '--tta', '--out', 'a b', PYTHON=python, PORT='1'
    )
    _, _, *options, tool, config, checkpoint, launcher, kind, tta, out, folder = printed.splitlines()
    assert {'--nproc_per_node=2', '--nnodes=1', '--master_port=1'} <= set(options)
    assert Path(tool) == ROOT / 'tools/test.py'
    assert [config, checkpoint, launcher, kind] == ['cfg.py', 'it.pth', '--launcher', 'pytorch']
    assert [tta, out, folder] == ['--tta', '--out', 'a b']


def test_distributed_train_goes_on_where_training_ended(trained, config):
    work_dir, _ = trained
    log = run(
        *('tools/dist_train.sh', config, 2, '--work-dir', work_dir, '--resume'),
        *('--cfg-options', 'train_cfg.max_iters=4', 'train_cfg.val_interval=4'),
    )
    assert 'GPU number: 2' in log  # MMEngine's word for the number of processes
    assert 'Iter(train) [3/4]' in log
    assert 'Iter(train) [2/4]' not in log
    assert (work_dir / 'iter_4.pth').is_file()


def test_browse_dataset(config, tmp_path):
    log = run(
        *(sys.executable, 'tools/browse_dataset.py', config, '--output-dir', tmp_path),
        *('--phase', 'val', '--number', 3),
    )
    assert f'3 images are in {tmp_path}' in log
    paths = sorted(tmp_path.glob('*.png'))
    assert [path.name for path in paths] == ['00000_0.png', '00001_1.png', '00002_0.png']
    image = cv2.imread(str(paths[0]))
    assert image.shape == (64, 64, 3)
    assert (image[..., 0] != image[..., 2]).any()  # the images are grey, the labels have colors


def test_mistake_is_one_sentence(config, tmp_path):
    option = 'model.decode_head.num_classes=12'
    log = run(
        *(sys.executable, 'tools/train.py', config, '--work-dir', tmp_path, '--cfg-options', option),
        expect=1,
    )
    assert 'Traceback' not in log
    assert log.splitlines()[-1].startswith('Error: ')
    assert 'set model.decode_head.num_classes=11' in log.splitlines()[-1]
    assert 'Iter(train)' not in log


@pytest.mark.parametrize(('tool', 'arguments'), [('train', ('cfg.py',)), ('test', ('cfg.py', 'it.pth'))])
def test_slurm(tmp_path, tool, arguments):
    """The command given to srun; a stand-in prints it."""
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    command = run(
        *(f'tools/slurm_{tool}.sh', 'gpus', 'my job', *arguments, '--cfg-options', 'a=[1, 2]'),
        PATH=f'{tmp_path}{os.pathsep}{os.environ["PATH"]}',
        GPUS='16',
        SRUN_ARGS='--quiet --exclusive',
    ).splitlines()
    for expected in ('--job-name=my job', '--ntasks=16', '--gres=gpu:8', '--quiet', '--exclusive'):
        assert expected in command
    script = command.index(f'{ROOT}/tools/{tool}.py')
    assert command[script + 1 :] == [*arguments, '--launcher', 'slurm', '--cfg-options', 'a=[1, 2]']


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh'])
def test_script_says_how_to_use_it(script):
    assert run(f'tools/{script}', expect=2).startswith(f'usage: tools/{script}')
