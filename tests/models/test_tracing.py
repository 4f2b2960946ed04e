"""Recorded graphs give what the model gives; fast paths give what plain functions give."""

from __future__ import annotations

import pytest
import torch
from small_models import HEAD, small_model
from torch import Tensor, nn
from training_steps import ENCODER

from mmmaskformer.functional import fast_paths
from mmmaskformer.functional.fast_paths import fast_path, plain_functions
from mmmaskformer.functional.semantic_inference import semantic_scores

HEADS = {
    'MaskFormer': {},
    'MaskFormer with transformer encoder': ENCODER,
    'MaX-DeepLab': {**HEAD, 'type': 'mmmaskformer.MaXDeepLabHead', 'embedding_channels': 8},
}


class SemanticScores(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        prediction = self.model.decode_head.predict_masks(self.model.extract_feat(images))
        return semantic_scores(prediction, images.shape[-2:])


class RawPrediction(nn.Module):
    """Class and mask logits of the last layer, as MMEngine's ``mode='tensor'`` gives them."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(self.model(images, mode='tensor')[-1])


@pytest.fixture(params=HEADS)
def model(request):
    torch.manual_seed(0)
    return small_model(decode_head=HEADS[request.param])


def batch(*size: int) -> Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(sum(size)))


@pytest.mark.parametrize('kind', [SemanticScores, RawPrediction])
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
def test_a_trace_without_gradients_is_exact(model, kind):
    wrapper, images = kind(model), batch(64, 96)
    with torch.no_grad():
        traced = torch.jit.trace(wrapper, torch.zeros(2, 3, 64, 96), check_trace=False)
        with plain_functions():
            expected = wrapper(images)
        torch.testing.assert_close(traced(images), expected, rtol=0, atol=0)
        torch.testing.assert_close(wrapper(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not hasattr(torch, 'export'), reason='torch.export is not there')
@pytest.mark.parametrize(('kind', 'head'), [(SemanticScores, {}), (RawPrediction, ENCODER)])
def test_an_exported_program_is_exact(kind, head):
    torch.manual_seed(0)
    wrapper, images = kind(small_model(decode_head=head)), batch(64, 96)
    with torch.no_grad():
        program = torch.export.export(wrapper, (torch.zeros(2, 3, 64, 96),), strict=False)
        with plain_functions():
            expected = wrapper(images)
        torch.testing.assert_close(program.module()(images), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_an_exported_program_serves_other_sizes():
    torch.manual_seed(0)
    wrapper, images = SemanticScores(small_model()), batch(96, 160)
    rows, columns = (torch.export.Dim(name, min=2, max=32) for name in ('rows', 'columns'))
    dynamic = dict(images={0: torch.export.Dim('batch', min=1, max=8), 2: 32 * rows, 3: 32 * columns})
    with torch.no_grad(), plain_functions():
        program = torch.export.export(wrapper, (batch(64, 96),), dynamic_shapes=dynamic, strict=False)
        torch.testing.assert_close(program.module()(images), wrapper(images), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('name', fast_paths.SWITCHES)
def test_fast_paths_are_off_while_a_graph_is_recorded(name):
    seen = []

    def function(x: Tensor) -> Tensor:
        seen.append(fast_path(name))
        return x + 1

    torch.jit.trace(function, torch.zeros(1), check_trace=False)
    assert seen == [False]
    assert fast_path(name)
    with plain_functions():
        assert not fast_path(name)
    assert fast_path(name)
