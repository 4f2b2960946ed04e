"""A training is pushed; what others download predicts the same, and the card says what is known alone."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import torch
import yaml
from golden_outputs import GOLDEN, golden_config
from hub_server import Hub
from inference_model import META, config, draw, same, write_weights
from mmengine.runner import CheckpointLoader

from mmmaskformer.apis import MaskFormerInferencer
from mmmaskformer.checkpoints import read_state_dict
from mmmaskformer.checkpoints.model_folder import portable_config
from mmmaskformer.commands import main
from mmmaskformer.hub import write_for_hub
from mmmaskformer.hub.facts import metrics_of

pytest.importorskip('safetensors')

SECRET = '/home/jane/secret/data/street'
TRAINING = dict(
    work_dir='/home/jane/secret/work',
    visualizer=dict(type='Visualizer', vis_backends=[dict(type='Wandb', init_kwargs=dict(entity='jane'))]),
    load_from='/home/jane/secret/start.pth',
    train_cfg=dict(type='IterBasedTrainLoop', max_iters=40),
    optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.002)),
    train_dataloader=dict(batch_size=3, dataset=dict(type='CityscapesDataset', data_root=SECRET)),
)


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory) -> Path:
    """A folder as a training leaves it; its best checkpoint is not the last."""
    folder = tmp_path_factory.mktemp('run')
    text = config(**TRAINING).pretty_text
    write_weights(folder / 'best_PQ_iter_20.pth', cfg=text, iter=20, time='20261126_120000')
    log = folder / '20261126_120000/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    records = [dict(step=10, PQ=30.0), dict(step=20, PQ=61.234, PQ_sem=40), dict(step=40, PQ=50.0)]
    log.write_text('\n'.join(map(json.dumps, records)))
    return folder


@pytest.fixture
def pushed(hub, work_dir, tmp_path, capsys) -> Hub:
    cv2.imwrite(str(tmp_path / 'street.png'), draw(40, 60))
    image = str(tmp_path / 'street.png')
    main(['push', str(work_dir), 'me/street', '--license', 'cc-by-4.0', '--image', image, '--private'])
    assert capsys.readouterr().out.startswith('Uploaded: http://127.0.0.1')
    return hub


def test_there_and_back(pushed, work_dir):
    names = ['README.md', 'config.json', 'config.py', 'example.jpg', 'model.safetensors']
    assert sorted(pushed.files['me/street']) == names
    created = pushed.created['me/street']
    assert created.get('visibility') == 'private' or created['private'] is True  # by the library's release
    image = draw(48, 80)
    (expected,) = MaskFormerInferencer(weights=work_dir / 'best_PQ_iter_20.pth', device='cpu')(image)
    downloaded = MaskFormerInferencer.from_pretrained('me/street', device='cpu')
    assert downloaded.classes.palette == META['palette']
    assert downloaded.classes.category_ids == META['category_ids']
    assert same(downloaded(image)[0], expected)
    by_address = MaskFormerInferencer('hf://me/street', device='cpu')
    assert same(by_address(image)[0], expected)
    runner = CheckpointLoader.load_checkpoint('hf://me/street', 'cpu', logger='silent')
    tensors = read_state_dict(work_dir / 'best_PQ_iter_20.pth')
    assert tensors.keys() == runner['state_dict'].keys()
    assert all(torch.equal(tensors[name], tensor) for name, tensor in runner['state_dict'].items())
    _check_card(pushed.files['me/street'])


def _check_card(files: dict[str, bytes]) -> None:
    card = files['README.md'].decode()
    header = yaml.safe_load(card.split('---')[1])
    assert header['license'] == 'cc-by-4.0'
    (entry,) = header['model-index'][0]['results']
    assert [(m['type'], m['value']) for m in entry['metrics']] == [('PQ', 61.23), ('PQ^St', 40.0)]
    for line in (
        '| PQ | 61.23 |',
        'on validation data, after iter 20',
        '| Training | CityscapesDataset, folder `street` |',
        '| Validation | not known |',
        '| Optimizer | AdamW (lr=0.002) |',
        '| Length | 40 iterations |',
        '| Started from | start.pth |',
        '| Seed | not known |',
        '| Iterations of this checkpoint | 20 |',
        "from_pretrained('me/street')",
        'road, car, tree, sky.',
        '](example.jpg)',
    ):
        assert line in card, line
    for text in (card, files['config.py'].decode(), files['config.json'].decode()):
        assert 'jane' not in text
        assert 'secret' not in text


def test_nothing_is_invented(tmp_path, capsys):
    """A checkpoint alone: no scores, license and settings of a training."""
    weights = write_weights(tmp_path / 'weights.pth')
    main(['push', str(weights), 'me/street', '--half', '--out', str(tmp_path / 'out')])
    assert 'nothing was uploaded' in capsys.readouterr().out
    card = (tmp_path / 'out/README.md').read_text()
    assert 'license' not in yaml.safe_load(card.split('---')[1])
    assert 'Not stated with the upload' in card
    assert 'Not known: no evaluation of this checkpoint' in card
    assert '| Optimizer | not known |' in card
    half = read_state_dict(tmp_path / 'out')
    assert {tensor.dtype for tensor in half.values() if tensor.ndim > 1} == {torch.float16}
    assert (
        MaskFormerInferencer.from_pretrained(str(tmp_path / 'out'), device='cpu').classes.names
        == META['classes']
    )


def test_scores_are_those_of_the_checkpoint(work_dir):
    assert metrics_of(work_dir, str(work_dir / 'best_PQ_iter_20.pth')).values == {'PQ': 61.234, 'PQ^St': 40.0}
    assert metrics_of(work_dir, str(work_dir / 'iter_30.pth')) is None
    assert metrics_of(work_dir, str(work_dir / 'model.pth')) is None


def test_paths_are_shortened():
    settings = dict(
        a='/x/y/z', b=['~/k', 'relative/c'], c=('C:\\data\\d', 'https://a/b'), work_dir='/w', d='/'
    )
    found = portable_config(config(**settings))
    assert (found.a, found.b, found.c, found.d) == ('z', ['k', 'relative/c'], ('d', 'https://a/b'), '/')
    assert 'work_dir' not in found


def test_a_folder_with_code_for_a_config_is_refused(tmp_path):
    write_for_hub(write_weights(tmp_path / 'weights.pth'), 'me/street', tmp_path / 'out')
    mark = tmp_path / 'mark'
    (tmp_path / 'out/config.py').write_text(f'open({str(mark)!r}, "w")\n')
    with pytest.raises(ValueError, match='holds more than plain values'):
        MaskFormerInferencer(weights=tmp_path / 'out', device='cpu')
    assert not mark.exists()


@pytest.mark.parametrize('status', [401, 403])
def test_a_refused_push_is_a_sentence(hub, work_dir, status):
    hub.refusal = (status, '')
    with pytest.raises(SystemExit) as end:
        main(['push', str(work_dir), 'me/street'])
    assert f'answered with status {status}; log in with' in str(end.value.code)
    assert 'token that may read (to push: write)' in str(end.value.code)


def test_a_model_of_transformers(hub):
    """As their folders are read from the disk."""
    files = {path.name: path.read_bytes() for path in (GOLDEN / 'hf_swin').iterdir() if path.is_file()}
    hub.files['facebook/tiny'] = files
    options = dict(model=golden_config('hf_swin'), device='cpu', pipeline=config().test_pipeline)
    ours = MaskFormerInferencer(weights=GOLDEN / 'hf_swin', **options).model.state_dict()
    theirs = MaskFormerInferencer.from_pretrained('facebook/tiny', **options).model.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
