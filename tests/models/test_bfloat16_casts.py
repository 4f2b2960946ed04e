"""bfloat16 on CPUs: convolutions compute in it, and nothing between them is cast to float32 and back."""

from __future__ import annotations

import pytest
import torch
from small_models import small_model
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from training_steps import SWIN


class Casts(TorchDispatchMode):
    """Casts between floating types, but those of parameters and their gradients; and types of products."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.own = {p.untyped_storage().data_ptr() for p in model.parameters()}
        self.shapes = {p.shape for p in model.parameters()}
        self.casts: list[tuple] = []
        self.products: set[tuple[str, torch.dtype]] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        output, name = function(*args, **(kwargs or {})), function.__name__
        if name.startswith('_to_copy') and args[0].is_floating_point() and args[0].dtype != output.dtype:
            is_parameter = args[0].untyped_storage().data_ptr() in self.own
            if not is_parameter and output.shape not in self.shapes:
                self.casts.append((tuple(args[0].shape), args[0].dtype, output.dtype))
        elif name.startswith(('convolution', 'mm', 'addmm', 'bmm')):
            self.products.add((name, args[0].dtype))
        return output


def count(model: nn.Module, part: nn.Module, x: Tensor | tuple[Tensor, ...]) -> Casts:
    casts = Casts(model)
    with casts:
        with torch.autocast('cpu', dtype=torch.bfloat16):
            maps = part(x)
        sum(m.mean() for m in maps if isinstance(m, Tensor)).backward()
    return casts


@pytest.mark.parametrize(('changes', 'allowed'), [({}, 1), (dict(backbone=SWIN), None)])
def test_backbone_casts_its_images_alone(changes, allowed):
    """Swin computes its norms, and so what is added to them, in float32: its products still are bfloat16."""
    model = small_model(**changes).train()
    casts = count(model, model.backbone, torch.randn(2, 3, 64, 96))
    assert {dtype for _, dtype in casts.products} == {torch.bfloat16}, casts.products
    if allowed is not None:
        assert casts.casts == [((2, 3, 64, 96), torch.float32, torch.bfloat16)] * allowed


def test_pixel_decoder_casts_nothing():
    model = small_model().train()
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        features = model.backbone(torch.randn(2, 3, 64, 96))
    features = tuple(f.detach().requires_grad_() for f in features)
    casts = count(model, model.decode_head.pixel_decoder, features)
    assert {f.dtype for f in features} == {torch.bfloat16}
    assert {dtype for _, dtype in casts.products} == {torch.bfloat16}, casts.products
    assert casts.casts == []
