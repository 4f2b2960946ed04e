"""benchmarks/memory_model.py counts what the backward pass keeps."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'benchmarks'))

from memory_model import Memory, memory_of


class Model(nn.Module):
    """A convolution keeps its input, a sigmoid its output."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def extract_feat(self, images):
        return self.conv(images).sigmoid()

    def decode_head(self, features, multiply):
        return SimpleNamespace(class_logits=features.new_zeros(6, 1, 1, 1))


def test_kept_bytes_are_those_worked_out_by_hand():
    memory = memory_of(Model().to('meta'), 64)
    pixels = 64 * 64
    assert memory.parameters == 4 * (8 * 3 * 9 + 8)
    assert memory.kept == 4 * pixels * (3 + 8)
    assert memory.largest == 4 * pixels * 8
    assert memory.losses == 2 * 4 * 20 * 6 * pixels // 16 + 20 * pixels


def test_images_that_fit():
    memory = Memory(parameters=10**9, kept=10**9, largest=2 * 10**8, losses=4 * 10**8)
    assert memory.fixed == 4.6e9
    assert memory.per_image == 2 * 10**9
    assert memory.images(24e9) == 9
    assert memory.images(4e9) == 0
