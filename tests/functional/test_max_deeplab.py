"""MaX-DeepLab's formulas against loops written from their definitions."""

from __future__ import annotations

from itertools import permutations
from math import exp, log, sqrt

import pytest
import torch
from max_deeplab_case import LABELS, Case, K, N, P
from torch.autograd import gradcheck

from mmmaskformer.functional.matching import optimal_assignments
from mmmaskformer.functional.max_deeplab_inference import slot_log_odds
from mmmaskformer.functional.targets import segments_at
from mmmaskformer.models.losses.max_deeplab_losses import (
    instance_discrimination_loss,
    mask_id_cross_entropy,
    pq_style_loss,
    pq_style_similarity,
    semantic_cross_entropy,
)
from mmmaskformer.structures import Segments


@pytest.fixture
def case() -> Case:
    return Case()


def close(found: torch.Tensor, expected: float) -> None:
    assert found.item() == pytest.approx(expected, rel=1e-10)


def test_sigmoid_of_log_odds_is_the_softmax(case):
    torch.testing.assert_close(case.log_odds.sigmoid(), torch.tensor(case.prob, dtype=torch.float64))
    assert gradcheck(slot_log_odds, case.raw.requires_grad_())


def test_log_odds_of_sure_slots():
    """A slot that is sure has 1 - p below what float32 tells from 0; its log-odds are still right."""
    logits = torch.tensor([40.0, 0.0, -30.0])[:, None, None].requires_grad_()
    expected = torch.tensor([40.0, -40.0, -70.0])
    found = slot_log_odds(logits).flatten()
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert logits.grad.isfinite().all()
    same = slot_log_odds(torch.zeros(4, 1, 1)).flatten()
    torch.testing.assert_close(same, torch.full((4,), log((1 / 4) / (3 / 4))))


@pytest.mark.parametrize('valid', [False, True])
def test_similarity(case, valid):
    counted = case.valid.double() if valid else None
    found = pq_style_similarity(
        case.class_logits.softmax(-1), case.log_odds, LABELS, case.masks.double(), counted
    )
    for n in range(N):
        for s in range(3):
            close(found[n, s], case.class_prob(n, int(LABELS[s])) * case.dice(n, s, valid))
    assert found.min() >= 0
    assert found.max() <= 1

    def similarity(classes: torch.Tensor, raw: torch.Tensor) -> torch.Tensor:
        odds = slot_log_odds(raw).flatten(1)
        return pq_style_similarity(classes.softmax(-1), odds, LABELS, case.masks.double(), counted)

    assert gradcheck(similarity, (case.class_logits.requires_grad_(), case.raw.requires_grad_()))


def test_similarity_of_a_right_slot_is_its_class_probability():
    odds = torch.tensor([[50.0, 50.0, -50.0, -50.0], [-50.0, -50.0, 50.0, 50.0]])
    masks = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    found = pq_style_similarity(torch.tensor([[0.6, 0.4], [1.0, 0.0]]), odds, torch.tensor([0, 0]), masks)
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.0], [0.0, 0.0]]))
    saturated = torch.full((2, 4), -200.0)  # nothing in the mask, nothing in the slot: not alike
    assert pq_style_similarity(torch.ones(2, 2), saturated, torch.tensor([0, 0]), masks)[0, 1] == 0


def pq_loop(case: Case, valid: bool, alpha: float = 0.75) -> float:
    slot_of = dict(zip(case.match[1].tolist(), case.match[0].tolist()))
    positive = 0.0
    for s, n in slot_of.items():
        p, dice = case.class_prob(n, int(LABELS[s])), case.dice(n, s, valid)
        positive += p * -dice + dice * -log(p)
    negative = sum(-log(case.class_prob(n, K)) for n in range(N) if n not in slot_of.values())
    return alpha * positive + (1 - alpha) * negative


@pytest.mark.parametrize('valid', [False, True])
def test_pq_style_loss(case, valid):
    counted = case.valid if valid else None
    ground_truth = (LABELS, case.masks, case.match, counted)
    close(pq_style_loss(case.class_logits, case.log_odds, *ground_truth), pq_loop(case, valid))
    close(
        pq_style_loss(case.class_logits, case.log_odds, *ground_truth, alpha=0.2), pq_loop(case, valid, 0.2)
    )


def test_weights_of_the_pq_style_loss_have_no_gradient(case):
    """The gradient is that of the same sum with weights that are mere numbers, which gradcheck confirms."""
    slots, segments = case.match
    weights = [
        (case.class_prob(n, int(LABELS[s])), case.dice(n, s, False))
        for n, s in zip(slots.tolist(), segments.tolist())
    ]

    def with_numbers(classes: torch.Tensor, raw: torch.Tensor) -> torch.Tensor:
        prob, log_prob = raw.softmax(0).flatten(1), classes.log_softmax(-1)
        loss = -0.25 * sum(log_prob[n, K] for n in range(N) if n not in slots.tolist())
        for (p, dice), n, s in zip(weights, slots.tolist(), segments.tolist()):
            mask = case.masks[s].double()
            overlap = 2 * (prob[n] * mask).sum() / (prob[n].sum() + mask.sum())
            loss = loss + 0.75 * (-p * overlap - dice * log_prob[n, LABELS[s]])
        return loss

    inputs = (case.class_logits.requires_grad_(), case.raw.requires_grad_())
    assert gradcheck(with_numbers, inputs)
    ours = pq_style_loss(inputs[0], slot_log_odds(inputs[1]).flatten(1), LABELS, case.masks, case.match)
    for found, expected in zip(
        torch.autograd.grad(ours, inputs), torch.autograd.grad(with_numbers(*inputs), inputs)
    ):
        torch.testing.assert_close(found, expected)


def test_mask_id_cross_entropy(case):
    slot_of = dict(zip(case.match[1].tolist(), case.match[0].tolist()))
    terms = [-log(case.prob[slot_of[int(case.slot_of_pixel[p])]][p]) for p in range(P) if case.valid[p]]
    assert len(terms) == 10
    close(mask_id_cross_entropy(case.log_odds, case.masks, case.match), sum(terms) / len(terms))
    assert gradcheck(
        lambda raw: mask_id_cross_entropy(slot_log_odds(raw).flatten(1), case.masks, case.match),
        case.raw.requires_grad_(),
    )


def discrimination_loop(case: Case, learns: tuple[int, ...], temperature: float) -> float:
    g = []
    for p in range(P):
        vector = case.embedding[:, p].tolist()
        length = sqrt(sum(x * x for x in vector))
        g.append([x / length for x in vector])
    centers = []
    for s in range(3):
        total = [sum(g[p][d] for p in range(P) if case.masks[s, p]) for d in range(5)]
        length = sqrt(sum(x * x for x in total))
        centers.append([x / length for x in total])
    terms = []
    for p in range(P):
        own = int(case.slot_of_pixel[p])
        if own in learns:
            e = [exp(sum(a * b for a, b in zip(center, g[p])) / temperature) for center in centers]
            terms.append(-log(e[own] / sum(e)))
    return sum(terms) / len(terms)


@pytest.mark.parametrize('learns', [(0, 1, 2), (1,), (0, 2)])
def test_instance_discrimination(case, learns):
    flags = torch.tensor([s in learns for s in range(3)])
    expected = discrimination_loop(case, learns, 0.3)
    close(instance_discrimination_loss(case.embedding, case.masks, flags), expected)
    close(instance_discrimination_loss(case.embedding * 7, case.masks, flags), expected)
    assert gradcheck(
        lambda g: instance_discrimination_loss(g, case.masks, flags, 0.5), case.embedding.requires_grad_()
    )


def test_instance_discrimination_takes_all_by_default(case):
    close(instance_discrimination_loss(case.embedding, case.masks), discrimination_loop(case, (0, 1, 2), 0.3))


def test_pixel_of_two_segments_is_right_in_either(case):
    """Sum over i of m_i exp(.): overlapping segments add up."""
    masks = torch.ones(2, P, dtype=torch.bool)
    assert instance_discrimination_loss(case.embedding, masks).abs() < 1e-12


def test_semantic_cross_entropy(case):
    logits = torch.randn(K, P, dtype=torch.float64)
    terms = []
    for p in range(P):
        if case.valid[p]:
            e = logits[:, p].exp().tolist()
            terms.append(-log(e[int(LABELS[case.slot_of_pixel[p]])] / sum(e)))
    close(semantic_cross_entropy(logits, LABELS, case.masks), sum(terms) / len(terms))
    assert gradcheck(lambda x: semantic_cross_entropy(x, LABELS, case.masks), logits.requires_grad_())


def losses(case: Case, labels: torch.Tensor, masks: torch.Tensor, match: tuple) -> list[torch.Tensor]:
    return [
        pq_style_loss(case.class_logits, case.log_odds, labels, masks, match),
        mask_id_cross_entropy(case.log_odds, masks, match),
        instance_discrimination_loss(case.embedding, masks),
        semantic_cross_entropy(case.embedding[:K], labels, masks),
    ]


def best_match(case: Case, labels: torch.Tensor, masks: torch.Tensor) -> tuple:
    similarity = pq_style_similarity(case.class_logits.softmax(-1), case.log_odds, labels, masks.double())
    ((match,), _) = optimal_assignments([-similarity])
    return match


def test_matching_maximizes_the_similarity(case):
    similarity = pq_style_similarity(
        case.class_logits.softmax(-1), case.log_odds, LABELS, case.masks.double()
    )
    slots, segments = best_match(case, LABELS, case.masks)
    most = max(sum(similarity[n, s].item() for s, n in enumerate(c)) for c in permutations(range(N), 3))
    assert similarity[slots, segments].sum().item() == pytest.approx(most)


def test_order_of_slots_and_segments_does_not_matter(case):
    before = best_match(case, LABELS, case.masks)
    expected = losses(case, LABELS, case.masks, before)
    slots, segments = torch.tensor([3, 0, 5, 1, 4, 2]), torch.tensor([2, 0, 1])
    case.raw, case.class_logits = case.raw[slots], case.class_logits[slots]
    labels, masks = LABELS[segments], case.masks[segments]
    after = best_match(case, labels, masks)
    pairs = {(int(slots[n]), int(segments[s])) for n, s in zip(*after)}
    assert pairs == {(int(n), int(s)) for n, s in zip(*before)}
    for found, value in zip(losses(case, labels, masks, after), expected):
        torch.testing.assert_close(found, value)


def test_no_segment(case):
    """Finite, with gradients (of zero) for every input."""
    nothing = torch.zeros(0, dtype=torch.int64)
    inputs = [case.raw, case.class_logits, case.embedding]
    for tensor in inputs:
        tensor.requires_grad_()
    pq, *others = losses(case, nothing, torch.zeros(0, P, dtype=torch.bool), (nothing, nothing))
    close(pq, -0.25 * case.class_logits.log_softmax(-1)[:, K].sum().item())
    assert all(value == 0 for value in others)
    sum((pq, *others)).backward()
    assert all(tensor.grad is not None and tensor.grad.isfinite().all() for tensor in inputs)


def test_segments_without_a_pixel_left_are_dropped():
    masks = torch.zeros(2, 8, 8, dtype=torch.bool)
    masks[0, 4:], masks[1, 1, 1] = True, True  # the second lies between the pixels that are picked
    small = segments_at(Segments(torch.tensor([3, 1]), masks, masks.any(0)), (2, 2))
    assert small.labels.tolist() == [3]
    assert small.masks.tolist() == [[[False, False], [True, True]]]
    assert small.valid.tolist() == [[False, False], [True, True]]
