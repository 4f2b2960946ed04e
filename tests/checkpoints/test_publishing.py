"""Published weights: half the bytes, the same predictions to rounding, and nothing that is not finite."""

from __future__ import annotations

import pytest
import torch

from mmmaskformer.checkpoints import read_state_dict
from mmmaskformer.checkpoints.publishing import publish_weights

pytest.importorskip('safetensors')


def write(path, **tensors):
    torch.save(dict(state_dict=tensors, optimizer=dict(state=torch.zeros(1000))), path)
    return path


def test_matrices_are_halved_and_vectors_kept(tmp_path):
    matrix, vector, count = torch.randn(300, 200), 1e6 * torch.rand(50), torch.tensor(7)
    source = write(tmp_path / 'a.pth', matrix=matrix, vector=vector, count=count)
    size = publish_weights(source, tmp_path / 'new/a.safetensors', dict(license='Apache-2.0'))
    assert size < 2 * 300 * 200 + 4 * 50 + 1000
    stored = read_state_dict(tmp_path / 'new/a.safetensors')
    assert torch.equal(stored['matrix'], matrix.half())
    assert torch.equal(stored['vector'], vector)
    assert torch.equal(stored['count'], count)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 7e4])
def test_values_that_half_precision_cannot_hold_are_refused(tmp_path, value):
    source = write(tmp_path / 'a.pth', weight=torch.full((2, 2), value))
    with pytest.raises(ValueError, match='weight has values that are not finite, or too large'):
        publish_weights(source, tmp_path / 'a.safetensors', {})


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r'must end in \.safetensors'):
        publish_weights(write(tmp_path / 'a.pth', weight=torch.zeros(1)), tmp_path / 'b.pth', {})
