"""What recipes for small data use: learned queries, matching that begins fixed, a per-pixel classifier."""

import math

import pytest
import torch
from mmengine.logging import MessageHub
from small_models import HEAD, features, images, small_head
from torch import nn

from mmmaskformer.checkpoints.fit_to_model import check_fit
from mmmaskformer.models import (
    AuxiliaryPixelClassifier,
    HomeQueryCost,
    MaskFormerTransformerDecoder,
    MaskPooledClassifier,
)
from mmmaskformer.models.assigners import HungarianAssigner, MatchInput
from mmmaskformer.structures import MaskPrediction, Segments

AUXILIARY = dict(type='mmmaskformer.AuxiliaryPixelClassifier')
POOLED = dict(type='mmmaskformer.MaskPooledClassifier')


@pytest.fixture
def iteration():
    hub = MessageHub.get_current_instance()
    before = hub.get_info('iter', 0)
    yield lambda number: hub.update_info('iter', number)
    hub.update_info('iter', before)


def pairs(num_queries, num_classes, labels, num_layers=1):
    rows = num_queries * num_layers
    prob = torch.full((rows, num_classes + 1), 0.1)
    return MatchInput(
        prob,
        torch.zeros(rows, 4),
        torch.tensor(labels),
        torch.zeros(len(labels), 4),
        None,
        (2, 2),
        num_layers,
    )


def test_each_class_has_its_home_queries_in_every_layer(iteration):
    iteration(0)
    cost = HomeQueryCost(num_iterations=10, weight=3.0)(pairs(5, 2, [1, 0], num_layers=2))
    layer = [[0, -3], [-3, 0], [0, -3], [-3, 0], [0, -3]]
    assert cost.tolist() == layer + layer


def test_classes_share_home_queries_where_there_are_fewer_queries(iteration):
    iteration(0)
    cost = HomeQueryCost(num_iterations=10, weight=1.0)(pairs(2, 5, [0, 3, 4]))
    assert cost.tolist() == [[-1, 0, -1], [0, -1, 0]]


@pytest.mark.parametrize(('number', 'expected'), [(0, 4.0), (5, 2.0), (10, 0.0), (99, 0.0)])
def test_the_discount_fades(iteration, number, expected):
    iteration(number)
    cost = HomeQueryCost(num_iterations=10, weight=4.0)(pairs(3, 3, [2]))
    assert cost.flatten().tolist() == [0, 0, -expected]


def test_a_matching_with_discount_is_fixed_and_then_free(iteration):
    names = ('ClassificationCost', 'MaskFocalCost', 'MaskDiceCost')
    home = dict(type='mmmaskformer.HomeQueryCost', num_iterations=100, weight=50.0)
    assigner = HungarianAssigner([*(dict(type=f'mmmaskformer.{name}') for name in names), home])
    class_logits = torch.zeros(1, 3, 4)
    class_logits[0, 0, 1] = 9.0  # query 0 predicts class 1
    predictions = [MaskPrediction(class_logits, torch.zeros(1, 3, 4, 4))] * 2
    segments = [Segments(torch.tensor([1]), torch.ones(1, 4, 4, dtype=torch.bool))]
    for number, query in ((0, 1), (100, 0)):
        iteration(number)
        assert [layer[0][0].tolist() for layer in assigner(predictions, segments)] == [[query], [query]]


def test_iterations_are_positive():
    with pytest.raises(ValueError, match='num_iterations=0 of HomeQueryCost; expected 1 or more'):
        HomeQueryCost(num_iterations=0)


def spread(decoder):
    """How much queries differ from each other, for features that are alike everywhere."""
    with torch.no_grad():
        return decoder.eval()(torch.ones(1, 8, 3, 4))[-1].std(1).mean().item()


def test_only_learned_queries_differ_where_all_pixels_are_alike():
    torch.manual_seed(0)
    settings = dict(in_channels=8, num_queries=6, channels=8, num_layers=1, num_heads=2, ffn_channels=16)
    zeros, learned = (
        MaskFormerTransformerDecoder(**settings, learned_queries=flag) for flag in (False, True)
    )
    for decoder in (zeros, learned):
        decoder.position_encoding = ZeroPositions()
    assert spread(zeros) < 1e-5 < 0.1 < spread(learned)
    assert not any('query_feat' in key for key in zeros.state_dict())


class ZeroPositions(nn.Module):
    def forward(self, memory, valid):
        return torch.zeros_like(memory)


def test_per_pixel_loss_by_hand():
    """Two pixels of class 1 and one of class 0, void left out; an image of void costs nothing."""
    auxiliary = AuxiliaryPixelClassifier(in_channels=1, num_classes=2, loss_weight=3.0)
    auxiliary.classifier.weight.data = torch.tensor([1.0, 0.0]).reshape(2, 1, 1, 1)
    auxiliary.classifier.bias.data.zero_()
    mask_features = torch.tensor([[0.0, 1.0, 2.0, 9.0], [5.0, 5.0, 5.0, 5.0]]).reshape(2, 1, 2, 2)
    masks = torch.tensor([[[0, 0], [1, 0]], [[1, 1], [0, 0]]], dtype=torch.bool)
    full_size = masks.repeat_interleave(4, 1).repeat_interleave(4, 2)
    segments = [Segments(torch.tensor([0, 1]), full_size), Segments(torch.zeros(0).long(), full_size[:0])]
    loss = auxiliary.loss(mask_features, segments)['loss_pixel']
    pixels = [math.log(1 + 1), math.log(1 + math.e), math.log(1 + math.exp(-2))]
    assert loss.item() == pytest.approx(3 * sum(pixels) / 3 / 2)
    loss.backward()
    assert auxiliary.classifier.weight.grad.isfinite().all()


def test_the_head_trains_the_classifier_and_predicts_without_it():
    torch.manual_seed(0)
    head = small_head(auxiliary_classifier=AUXILIARY).eval()
    x, samples = features(), images((64, 96), (64, 96))['data_samples']
    losses = head.loss(x, samples)
    with torch.no_grad():
        torch.testing.assert_close(head.loss(x, samples)['loss_pixel'], losses['loss_pixel'].detach())
    losses['loss_pixel'].backward()
    assert head.pixel_decoder.mask_features.weight.grad.abs().sum() > 0
    assert head.class_embed.weight.grad is None
    plain = small_head().eval()
    missing, unexpected = plain.load_state_dict(head.state_dict(), strict=False)
    assert missing == []
    assert [key.partition('.')[0] for key in unexpected] == ['auxiliary_classifier'] * 2
    torch.testing.assert_close(plain.predict_masks(x), head.predict_masks(x), rtol=0, atol=0)
    assert 'loss_pixel' not in plain.loss(x, samples)


def test_pooled_logits_by_hand():
    """A mask of one pixel has the logits of the pixel, a mask of all the mean; no-object keeps its own."""
    classifier = MaskPooledClassifier(in_channels=2, num_classes=2)
    pixels = classifier.pixels.classifier
    pixels.weight.data = torch.tensor([[0.0, 1.0], [0.0, -1.0]]).reshape(2, 2, 1, 1)
    pixels.bias.data = torch.tensor([0.5, 0.0])
    mask_features = torch.tensor([[50.0, -50.0], [3.0, 7.0]]).reshape(1, 2, 1, 2)
    embeddings = torch.tensor([[2.0, 0.0], [0.0, 0.0]]).reshape(1, 1, 2, 2).requires_grad_()
    own = torch.tensor([[1.0, 0.0, 4.0], [0.0, 0.0, 4.0]]).reshape(1, 1, 2, 3).requires_grad_()
    logits = classifier.add_pooled_logits(own, embeddings, mask_features.requires_grad_())
    assert logits.flatten(0, 2).tolist() == [[4.5, -3.0, 4.0], [5.5, -5.0, 4.0]]
    logits[..., 0].sum().backward()
    assert embeddings.grad is None
    assert own.grad.flatten(0, 2).tolist() == [[1, 0, 0], [1, 0, 0]]
    assert mask_features.grad.flatten(2).tolist() == [[[0, 0], [1.5, 0.5]]]


def test_masks_that_have_vanished_are_no_reason_for_nan():
    classifier = MaskPooledClassifier(in_channels=1, num_classes=2)
    logits = classifier.add_pooled_logits(
        torch.zeros(1, 1, 1, 3), torch.full((1, 1, 1, 1), -1e4), torch.ones(1, 1, 2, 2)
    )
    assert logits.isfinite().all()


def test_predictions_with_pooled_logits_do_not_depend_on_the_way():
    torch.manual_seed(0)
    head = small_head(auxiliary_classifier=POOLED).eval()
    plain = small_head().eval()
    plain.load_state_dict(head.state_dict(), strict=False)
    x, samples = features(), images((64, 96), (64, 96))['data_samples']
    layers = head(x)
    with torch.no_grad():
        last, each = head.predict_masks(x), head.predict_each(x)
    torch.testing.assert_close(last, layers[-1])
    torch.testing.assert_close([image.class_logits for image in each], list(layers[-1].class_logits))
    other = plain.predict_masks(x)
    torch.testing.assert_close(other.mask_logits, last.mask_logits)
    torch.testing.assert_close(other.class_logits[..., -1], last.class_logits[..., -1])
    assert (other.class_logits[..., :-1] - last.class_logits[..., :-1]).abs().max() > 1e-3
    losses = head.loss(x, samples)
    losses['loss_cls'].backward()
    assert head.auxiliary_classifier.pixels.classifier.weight.grad.abs().sum() > 0
    assert head.pixel_decoder.mask_features.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(('trained', 'loaded'), [(AUXILIARY, POOLED), (POOLED, AUXILIARY)])
def test_weights_of_one_auxiliary_classifier_are_refused_by_the_other(trained, loaded):
    """They would load, and predict other classes."""
    state = small_head(auxiliary_classifier=trained).state_dict()
    with pytest.raises(ValueError, match=r'it lacks .auxiliary_classifier\.\S*classifier.weight'):
        check_fit(state, small_head(auxiliary_classifier=loaded), 'weights.pth')


def test_a_checkpoint_with_learned_queries_loads_where_there_are_none():
    learned = small_head(transformer_decoder={**HEAD['transformer_decoder'], 'learned_queries': True})
    plain = small_head()
    _, unexpected = plain.load_state_dict(learned.state_dict(), strict=False)
    assert unexpected == ['transformer_decoder.query_feat.weight']
