"""What the compiler makes of a model: whole graphs, and the numbers of the plain model."""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path

import pytest
import torch
from small_models import HEAD, images
from torch import Tensor, nn
from torch._dynamo.backends.common import aot_autograd
from training_steps import CONVS, ENCODER, QUIET, SWIN, assert_same, build, step

MODELS = {'ResNet': {}, 'Swin': dict(backbone=SWIN), 'encoder': dict(decode_head=ENCODER, **CONVS)}
QUICK = 'encoder'  # the others take half a minute
NAMES = [name if name == QUICK else pytest.param(name, marks=pytest.mark.soak) for name in MODELS]
HOST_FILES = {
    'targets.py',
    'host_steps.py',
    'base.py',
    'maskformer_head.py',
}  # targets, and the call of matching
READS_VALUES = {'aten.item.default', 'aten._local_scalar_dense.default', 'aten.nonzero.default'}


@pytest.fixture(autouse=True)
def _forget_graphs():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def shallow(head: dict) -> dict:
    decoder = {**HEAD['transformer_decoder'], **head.get('transformer_decoder', {}), 'num_layers': 1}
    return {**head, 'transformer_decoder': decoder}


def parts_and_inputs(model: nn.Module, inputs: Tensor) -> list[tuple[nn.Module, object]]:
    """Backbone, pixel decoder and transformer decoder, each with what it gets."""
    head = model.decode_head
    with torch.no_grad():
        features = model.extract_feat(inputs)
        memory = head.pixel_decoder(features).memory
    return [(model.backbone, inputs), (head.pixel_decoder, features), (head.transformer_decoder, memory)]


@pytest.mark.parametrize('training', [pytest.param(True, marks=pytest.mark.soak), False])
@pytest.mark.parametrize('name', NAMES)
def test_each_part_is_one_graph_that_cuda_graphs_can_replay(name, training):
    """It stays on one device, reads no value back, and does not write into weights and inputs.

    The device is 'meta': tensors that are made on another show.
    """
    changes = {**MODELS[name], 'decode_head': shallow(MODELS[name].get('decode_head', {}))}
    model = build(**changes).train(training).to('meta')
    graphs: list[torch.fx.Graph] = []

    def keep(module: torch.fx.GraphModule, _: object) -> object:
        graphs.append(module.graph)
        return module.forward

    for part, x in parts_and_inputs(model, torch.zeros(2, 3, 64, 96, device='meta')):
        graphs.clear()
        with contextlib.nullcontext() if training else torch.no_grad():
            torch.compile(part, backend=aot_autograd(fw_compiler=keep), fullgraph=True)(x)
        assert len(graphs) == 1
        check(graphs[0], training)


def check(graph: torch.fx.Graph, training: bool) -> None:
    """A batch norm in training counts its batches: its buffers alone are written, which graphs may."""
    for node in graph.nodes:
        name = str(node.target)
        assert node.kwargs.get('device', torch.device('meta')) == torch.device('meta'), node.format_node()
        assert name not in READS_VALUES
        assert training or 'copy_' not in name


def test_graphs_of_the_training_step_break_at_targets_and_matching_alone():
    model = build(decode_head=shallow({}), **CONVS).train()
    data = model.data_preprocessor(images((64, 96), (64, 96)), training=True)
    explained = torch._dynamo.explain(lambda: model.loss(data['inputs'], data['data_samples']))()
    places = {Path(reason.user_stack[-1].filename).name for reason in explained.break_reasons}
    assert len(explained.break_reasons) == 2, explained
    assert places <= HOST_FILES, explained
    assert 'maskformer_head.py' in places


@pytest.mark.parametrize('name', NAMES)
def test_a_compiled_training_step_equals_the_plain_one(name):
    """With the graphs of forward and backward pass that code would be generated from."""
    head = shallow({key: QUIET[key] for key in MODELS[name].get('decode_head', {})})
    changes = {**MODELS[name], 'decode_head': head}
    if name == 'Swin':
        changes['backbone'] = {**SWIN, 'drop_path_rate': 0.0}
    batch = images((64, 96), (64, 96))
    compiled = build(**changes, compile=dict(backend='aot_eager'))
    assert_same(step(compiled, batch), step(build(**changes), batch), 1e-5)


@pytest.mark.parametrize(('mode', 'expected'), [('reduce-overhead', 2), ('default', 0)])
def test_cuda_graphs_are_told_where_a_step_begins(mode, expected, monkeypatch):
    marks = []
    monkeypatch.setattr(torch.compiler, 'cudagraph_mark_step_begin', lambda: marks.append(1))
    monkeypatch.setattr(nn.Module, 'compile', lambda self, **options: None)
    model = build(**CONVS, compile=dict(mode=mode)).eval()
    for _ in range(2):
        with torch.no_grad():
            model.test_step(copy.deepcopy(images((64, 96), (64, 96))))
    assert len(marks) == expected
