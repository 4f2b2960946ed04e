"""Weights of classes in the losses: numbers by hand, names, frequencies, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from small_models import HEAD, features, sample, small_head

from mmmaskformer.functional.per_pixel import upsampled_cross_entropy
from mmmaskformer.models import NoObjectCrossEntropyLoss
from mmmaskformer.models.losses import find_class_weights
from mmmaskformer.models.losses.classification_loss import inverse_sqrt_weights
from mmmaskformer.registry import MODELS

LOG_P = torch.tensor([0.5, 0.25, 0.125, 0.125]).log()  # three classes and no-object
CRITERION = 'mmmaskformer.MaskFormerCriterion'


def criterion(**loss_cls) -> dict:
    return dict(type=CRITERION, loss_cls={'type': 'mmmaskformer.NoObjectCrossEntropyLoss', **loss_cls})


def per_pixel(type='mmmaskformer.PerPixelBaselineHead', **changes) -> dict:
    settings = {key: HEAD[key] for key in ('in_channels', 'num_classes', 'pixel_decoder')}
    return dict(type=type, **settings, **changes)


def test_mean_by_hand():
    loss = NoObjectCrossEntropyLoss(class_weight=[1.0, 3.0, 0.5], loss_weight=2.0)
    value = loss(LOG_P.repeat(1, 3, 1), torch.tensor([[0, 1, 3]]))
    # losses 1, 2 and 3 times log 2, with weights 1, 3 and 0.1
    assert value.item() == pytest.approx(2 * math.log(2) * (1 * 1 + 3 * 2 + 0.1 * 3) / 4.1)


def test_without_weights_nothing_changes():
    logits, labels = torch.randn(2, 9, 5), torch.randint(0, 5, (2, 9))
    weights = torch.ones(5)
    weights[-1] = 0.1
    expected = 1.0 * F.cross_entropy(logits.flatten(0, 1), labels.flatten(), weights)
    assert torch.equal(NoObjectCrossEntropyLoss()(logits, labels), expected)
    assert torch.equal(NoObjectCrossEntropyLoss(class_weight=[1] * 4)(logits, labels), expected)


def test_no_state_and_one_tensor_for_all_steps():
    head = small_head(criterion=criterion(class_weight=[1, 2, 3, 4]))
    assert head.state_dict().keys() == small_head().state_dict().keys()
    (weights,) = find_class_weights(head)
    first = weights(4, torch.device('cpu'))
    assert weights(4, torch.device('cpu')) is first
    assert first.tolist() == pytest.approx([1, 2, 3, 4, 0.1])
    head.half()
    assert weights(4, torch.device('cpu')).dtype == torch.float32


@pytest.mark.parametrize('number', [3, 5])
def test_another_number_of_weights_is_refused(number):
    message = rf'class_weight has {number} numbers, but num_classes is 4: give one number for each class'
    with pytest.raises(ValueError, match=message):
        small_head(criterion=criterion(class_weight=[1.0] * number))
    with pytest.raises(ValueError, match=message):
        MODELS.build(per_pixel(class_weight=[1.0] * number))


@pytest.mark.parametrize('weight', [float('nan'), -1.0, float('inf')])
def test_weights_are_numbers(weight):
    with pytest.raises(ValueError, match=r'class_weight has .*: expected finite numbers, 0 or more'):
        NoObjectCrossEntropyLoss(class_weight=[1.0, weight])
    with pytest.raises(ValueError, match=r"class_weight='inverse': expected .* 'inverse_sqrt'"):
        NoObjectCrossEntropyLoss(class_weight='inverse')


def test_names():
    loss = NoObjectCrossEntropyLoss(class_weight={'dog': 5})
    loss.set_num_classes(3)
    with pytest.raises(
        ValueError, match=r"class_weight=\{'dog': 5\} needs the training data: add .*CheckDatasetHook"
    ):
        loss(torch.zeros(1, 4), torch.zeros(1).long())
    loss.class_weights.set_names(['cat', 'dog', 'cow'])
    assert loss.class_weights(3, torch.device('cpu')).tolist() == pytest.approx([1, 5, 1, 0.1])
    with pytest.raises(ValueError, match="class_weight has 'dog', which is not a class of the training data"):
        loss.class_weights.set_names(['cat', 'cow'])


def test_inverse_square_roots():
    weights = inverse_sqrt_weights([1, 4, 0, 25])
    # square roots 1, 2 and 5 sum up to 8, occurrences to 30
    assert weights == pytest.approx([30 / 8, 30 / 16, 1, 30 / 40])
    assert sum(n * w for n, w in zip([1, 4, 0, 25], weights)) == pytest.approx(30)
    assert inverse_sqrt_weights([0, 0]) == [1, 1]


@pytest.mark.parametrize('kind', ['mmseg.CrossEntropyLoss', 'mmdet.CrossEntropyLoss', 'mmseg.DiceLoss'])
def test_foreign_losses_are_refused(kind):
    message = (
        rf'loss_cls={kind[6:]} .* when it gets class logits \(B, Q, K \+ 1\) .*: use mmmaskformer\.NoObject'
    )
    with pytest.raises(ValueError, match=message):
        small_head(criterion=criterion(type=kind))


def test_a_loss_of_ones_own_is_taken():
    class Mine(torch.nn.Module):
        def forward(self, class_logits, labels):
            return F.cross_entropy(class_logits.flatten(0, 1), labels.flatten())

    head = small_head(criterion=criterion(type=Mine))
    head.loss(features(), [sample(torch.zeros(64, 96).long())] * 2)


def test_max_deeplab_has_none():
    for changes in (
        dict(class_weight=[1.0] * 4),
        dict(criterion=dict(type='mmmaskformer.MaXDeepLabCriterion', loss_semantic=dict(class_weight=[1.0]))),
    ):
        with pytest.raises(ValueError, match='class_weight is not a setting of MaXDeepLabHead'):
            small_head(type='mmmaskformer.MaXDeepLabHead', **changes)


def test_pixels_by_hand():
    logits = torch.tensor([0.5, 0.25, 0.25]).log()[None, :, None, None].repeat(1, 1, 2, 2).requires_grad_()
    labels = torch.tensor([[[0, 1], [1, 255]]])
    value = upsampled_cross_entropy(logits, labels, 255, torch.tensor([1.0, 4.0, 1.0]))
    assert value.item() == pytest.approx(math.log(2) * (1 + 4 * 2 + 4 * 2) / 9)  # log 2, log 4, log 4
    value.backward()
    assert (logits.grad[0, :, 1, 1] == 0).all()
    nothing = upsampled_cross_entropy(logits, torch.full((1, 2, 2), 255), 255, torch.ones(3))
    assert nothing.item() == 0


@pytest.mark.parametrize(
    'kind', ['mmmaskformer.PerPixelBaselineHead', 'mmmaskformer.PerPixelBaselinePlusHead']
)
def test_per_pixel_heads(kind):
    changes = dict(transformer_decoder=HEAD['transformer_decoder']) if kind.endswith('PlusHead') else {}
    torch.manual_seed(1)
    head = MODELS.build(per_pixel(type=kind, class_weight=[1, 2, 0, 4], **changes))
    torch.manual_seed(1)
    plain = MODELS.build(per_pixel(type=kind, **changes))
    inputs, labels = features(), [sample(torch.randint(0, 4, (64, 96))) for _ in range(2)]
    logits = F.interpolate(plain(inputs)[-1], size=(64, 96), mode='bilinear', align_corners=False)
    target = torch.cat([one.gt_sem_seg.data for one in labels])
    expected = F.cross_entropy(logits, target, torch.tensor([1.0, 2, 0, 4]))
    torch.testing.assert_close(head.loss(inputs, labels)['loss_ce'], expected)
