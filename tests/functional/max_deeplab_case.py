"""What MaX-DeepLab's formulas are tested on, and the quantities of their definitions, by loops."""

from __future__ import annotations

from math import exp

import torch

from mmmaskformer.functional.max_deeplab_inference import slot_log_odds

N, K, HEIGHT, WIDTH, P = 6, 4, 3, 4, 12
LABELS = torch.tensor([2, 0, 3])


class Case:
    """Random logits in float64, and three segments beside some void pixels."""

    def __init__(self) -> None:
        self.raw = torch.randn(N, HEIGHT, WIDTH, dtype=torch.float64) * 2
        self.class_logits = torch.randn(N, K + 1, dtype=torch.float64) * 2
        self.slot_of_pixel = torch.tensor([0, 0, 1, 1, 0, 2, 2, 1, 3, 3, 2, 2])  # 3: void
        self.masks = self.slot_of_pixel == torch.arange(3)[:, None]
        self.valid = self.slot_of_pixel < 3
        self.match = (torch.tensor([1, 3, 4]), torch.tensor([2, 0, 1]))
        self.embedding = torch.randn(5, P, dtype=torch.float64)

    @property
    def log_odds(self) -> torch.Tensor:
        return slot_log_odds(self.raw).flatten(1)

    @property
    def prob(self) -> list[list[float]]:
        """Softmax over slots of each pixel, by a loop: prob[slot][pixel]."""
        raw = self.raw.flatten(1).tolist()
        sums = [sum(exp(raw[n][p]) for n in range(N)) for p in range(P)]
        return [[exp(raw[n][p]) / sums[p] for p in range(P)] for n in range(N)]

    def class_prob(self, slot: int, label: int) -> float:
        logits = self.class_logits[slot].tolist()
        return exp(logits[label]) / sum(map(exp, logits))

    def dice(self, slot: int, segment: int, valid: bool) -> float:
        common = total = 0.0
        for p in range(P):
            if valid and not self.valid[p]:
                continue
            inside = float(self.masks[segment, p])
            common += inside * self.prob[slot][p]
            total += inside + self.prob[slot][p]
        return 2 * common / total
