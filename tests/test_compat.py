"""The workarounds in fresh interpreters: what fails without them works with them."""

from __future__ import annotations

import importlib.util
import os
import pickle

import pytest
import torch
from mmengine.logging import HistoryBuffer
from warm_python import run_warm

import mmmaskformer  # noqa: F401  (mmcv.ops must be there before its extension is looked for)

LITE = importlib.util.find_spec('mmcv._ext') is None
WEIGHTS_ONLY = tuple(int(part) for part in torch.__version__.split('.')[:2]) >= (2, 6)

IMPORTS = """
    import sys
    try:
        import mmcv.ops
        needed = False
    except ModuleNotFoundError:
        needed = True
    import mmmaskformer
    import mmcv.ops, mmdet.apis, mmdet.models, mmpretrain.models, mmseg.apis, mmseg.models
    from mmengine.utils.dl_utils.misc import mmcv_full_available
    print(needed, 'mmcv._ext' in sys.modules, mmcv_full_available())
"""


def test_every_openmmlab_package_imports_even_after_a_failed_attempt(run_python):
    printed = run_python(IMPORTS).stdout.splitlines()[-1]
    assert printed.split() == [str(LITE), str(not LITE), str(not LITE)]


def test_with_the_full_mmcv_nothing_is_done(run_python, tmp_path):
    """A module with every operator stands for the compiled extension: this runs with mmcv-lite, too."""
    (tmp_path / '_ext.py').write_text('def __getattr__(name):\n    return print\n')
    code = """
        import sys
        import mmcv
        mmcv.__path__.insert(0, sys.argv[1])
        import mmmaskformer
        from mmengine.utils.dl_utils.misc import mmcv_full_available
        print(sys.modules['mmcv._ext'].__file__, mmcv_full_available())
    """
    printed = run_python(code, str(tmp_path)).stdout.splitlines()[-1]
    assert printed.split() == [str(tmp_path / '_ext.py'), 'True']


def test_sync_batchnorm_can_be_reverted():
    from mmengine.model import revert_sync_batchnorm

    reverted = revert_sync_batchnorm(torch.nn.Sequential(torch.nn.SyncBatchNorm(4)))
    assert type(reverted[0]).__name__ == '_BatchNormXd'
    assert reverted(torch.ones(2, 4, 3, 3)).shape == (2, 4, 3, 3)


def test_a_compiled_operator_works_or_says_what_it_needs():
    from mmcv.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 9.0], [20.0, 20.0, 30.0, 30.0]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    if LITE:
        with pytest.raises(RuntimeError, match='nms needs the full mmcv, found mmcv-lite'):
            nms(boxes, scores, iou_threshold=0.5)
    else:
        assert nms(boxes, scores, iou_threshold=0.5)[1].tolist() == [0, 2]


RUNNER = """
    import sys
    import numpy as np
    import torch
    from torch import nn
    import mmmaskformer
    from mmengine.evaluator import BaseMetric
    from mmengine.model import BaseModel
    from mmengine.runner import Runner
    from torch.utils.data import Dataset

    class Line(BaseModel):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(1, 1)

        def forward(self, inputs, labels, mode='tensor'):
            out = self.linear(inputs)
            return {'loss': ((out - labels) ** 2).mean()} if mode == 'loss' else [out]

    class Points(Dataset):
        metainfo = dict(classes=('line',), palette=[[1, 2, 3]])
        def __len__(self):
            return 16

        def __getitem__(self, i):
            return torch.tensor([i / 16.0]), torch.tensor([i / 8.0])

    class Score(BaseMetric):  # mmseg's IoUMetric, too, returns numpy numbers, and best_score keeps one
        def process(self, data_batch, data_samples):
            self.results.append(1)

        def compute_metrics(self, results):
            return dict(mIoU=np.float64(42.5))

    def runner(work_dir, iterations, resume):
        loader = dict(batch_size=4, dataset=Points(), collate_fn=dict(type='default_collate'))
        return Runner(
            Line(), work_dir,
            train_dataloader=dict(loader, sampler=dict(type='InfiniteSampler', shuffle=False)),
            val_dataloader=dict(loader, sampler=dict(type='DefaultSampler', shuffle=False)),
            train_cfg=dict(by_epoch=False, max_iters=iterations, val_interval=2), val_cfg=dict(),
            val_evaluator=[Score()],
            optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.1)),
            param_scheduler=dict(type='PolyLR', power=0.9, end=8, by_epoch=False),
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1),
                checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False, save_best='mIoU')),
            resume=resume, randomness=dict(seed=0), log_level='ERROR', experiment_name=f'line{iterations}')

    for work_dir, iterations, resume in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
        torch.manual_seed(0)
        run = runner(work_dir, int(iterations), resume == 'resume')
        run.train()
        history = run.message_hub.get_scalar('train/loss').data[0]
        print('RESULT', run.iter, len(history), run.optim_wrapper.param_groups[0]['lr'],
              repr(run.model.linear.weight.item()), run.message_hub.get_info('best_score'))
"""


def results(*arguments) -> list[list[str]]:
    lines = run_warm(RUNNER, *map(str, arguments)).stdout.splitlines()
    return [line.split()[1:] for line in lines if line.startswith('RESULT')]


@pytest.mark.slow
def test_a_run_resumed_from_its_checkpoint_ends_like_an_unbroken_one(run_python, tmp_path):
    unbroken, _ = results(tmp_path / 'unbroken', 8, 'new', tmp_path / 'broken', 4, 'new')
    (resumed,) = results(tmp_path / 'broken', 8, 'resume')
    assert resumed[:2] == ['8', '8']  # iterations and logged losses, the first four read from the checkpoint
    # The optimiser's moments and the schedule went through the checkpoint, or the weight would differ. The
    # sampler starts again from its first point, as MMEngine's does; with four batches a round it is in step.
    assert resumed == unbroken
    assert resumed[4] == '42.5'

    checkpoint = tmp_path / 'broken' / 'iter_4.pth'
    refused = run_python(f'import torch; torch.load({str(checkpoint)!r})', check=False)
    assert (refused.returncode != 0 and 'HistoryBuffer' in refused.stderr) == WEIGHTS_ONLY


class Intruder:
    """What the protection is for: calls a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.skipif(not WEIGHTS_ONLY, reason='this torch loads everything by default')
@pytest.mark.parametrize(
    ('intruder', 'refused'),
    [
        (Intruder(os.getcwd), 'getcwd'),
        (Intruder(getattr, torch.nn.Parameter, '__init__'), 'getattr.*not allowed'),
        (Intruder(getattr, HistoryBuffer, '__init__'), 'getattr.*not allowed'),
    ],
)
def test_everything_else_is_still_refused(tmp_path, intruder, refused):
    torch.save({'state_dict': {}, 'meta': intruder}, tmp_path / 'intruder.pth')
    with pytest.raises(pickle.UnpicklingError, match=refused):
        torch.load(tmp_path / 'intruder.pth')


@pytest.mark.parametrize('module', [b'numpy.core.multiarray', b'numpy._core.multiarray'])
def test_numbers_written_by_numpy_1_and_2_load(tmp_path, module):
    import numpy as np

    values = dict(score=np.float64(1.5), count=np.int64(3), small=np.float32(0.5), history=np.arange(3.0))
    torch.save(values, tmp_path / 'mine.pth', _use_new_zipfile_serialization=False)
    written = (tmp_path / 'mine.pth').read_bytes()
    # GLOBAL opcodes of protocol 2 are lines, so the module's name can be exchanged as text.
    for name in (b'numpy.core.multiarray', b'numpy._core.multiarray'):
        written = written.replace(b'c' + name + b'\n', b'c' + module + b'\n')
    assert b'c' + module + b'\n' in written
    (tmp_path / 'theirs.pth').write_bytes(written)
    loaded = torch.load(tmp_path / 'theirs.pth')
    as_lists = {key: np.asarray(value).tolist() for key, value in loaded.items()}
    assert as_lists == dict(score=1.5, count=3, small=0.5, history=[0.0, 1.0, 2.0])


def test_a_transformers_that_breaks_mmpretrain_is_named_and_left_out(run_python, tmp_path):
    (tmp_path / 'transformers').mkdir()
    (tmp_path / 'transformers' / '__init__.py').write_text('from . import configuration_utils\n')
    settings = 'class PretrainedConfig: pass\n'  # torch 2.1 itself changes it
    (tmp_path / 'transformers' / 'configuration_utils.py').write_text(settings)
    (tmp_path / 'transformers' / 'modeling_utils.py').write_text('class PreTrainedModel: pass\n')
    (tmp_path / 'transformers-9.1.dist-info').mkdir()
    (tmp_path / 'transformers-9.1.dist-info' / 'METADATA').write_text('Name: transformers\nVersion: 9.1\n')
    done = run_python('import mmmaskformer, mmpretrain.models, mmdet.models, mmseg.models', path=(tmp_path,))
    assert 'transformers 9.1 has no GenerationConfig' in done.stderr
    assert 'pip install "transformers<4.51"' in done.stderr
    broken = run_python('import mmpretrain.models', path=(tmp_path,), check=False)
    assert broken.returncode != 0  # or the workaround can go


def test_no_mmcv_is_one_sentence(run_python, tmp_path):
    blocker = """
        import sys, importlib.machinery as m
        class Hide(m.PathFinder):
            @classmethod
            def find_spec(cls, name, path=None, target=None):
                return None if name.split('.')[0] == 'mmcv' else super().find_spec(name, path, target)
        sys.meta_path = [Hide if f is m.PathFinder else f for f in sys.meta_path]
        import mmmaskformer
    """
    done = run_python(blocker, check=False)
    assert 'mmcv is not installed: `pip install mmcv-lite==2.1.0`' in done.stderr.splitlines()[-1]
