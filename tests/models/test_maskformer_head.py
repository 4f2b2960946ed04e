from __future__ import annotations

import pytest
import torch
from half_types import HALF_TYPES
from small_models import HEAD, features, sample, small_head

from mmmaskformer.functional.mask_factors import MaskFactors
from mmmaskformer.models.losses.mask_losses import dice_loss, focal_loss
from mmmaskformer.models.pixel_decoders import FPNPixelDecoder
from mmmaskformer.structures import MaskPrediction, Segments

LOSSES = {'loss_cls', 'loss_mask', 'loss_dice', 'd0.loss_cls', 'd0.loss_mask', 'd0.loss_dice'}


def total(losses: dict) -> torch.Tensor:
    return sum(losses.values())


def check_trains(head, label_maps, expected_gradients: bool = True) -> dict:
    losses = head.loss(features(len(label_maps)), [sample(label_map) for label_map in label_maps])
    assert set(losses) == LOSSES
    total(losses).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, f'{name} is not part of the loss'
        assert parameter.grad.isfinite().all(), name
    assert all(value.isfinite() for value in losses.values())
    return losses


def test_no_segment_in_the_batch():
    losses = check_trains(small_head(), [torch.full((64, 96), 255)] * 2)
    assert losses['loss_mask'] == losses['loss_dice'] == 0
    assert losses['loss_cls'] > 0


def test_one_image_ignored_as_a_whole():
    check_trains(small_head(), [torch.full((64, 96), 255), torch.randint(0, 4, (64, 96))])


def test_one_segment():
    check_trains(small_head(), [torch.full((64, 96), 2), torch.full((64, 96), 255)])


def test_more_segments_than_queries():
    head = small_head(num_queries=3)
    with pytest.raises(
        ValueError, match=r'4 segments but there are only 3 queries.*num_queries to at least 4'
    ):
        head.loss(features(1), [sample(torch.arange(4).repeat_interleave(24).expand(64, 96))])


def test_label_out_of_range_names_value_file_and_setting():
    label_map = torch.randint(0, 4, (64, 96))
    label_map[5, 7] = 9
    with pytest.raises(ValueError, match=r'annotations/7\.png: label 9 .*num_classes=4.*is at least 10'):
        small_head().loss(features(1), [sample(label_map, seg_map_path='annotations/7.png')])


def test_sample_without_ground_truth_is_refused_by_name():
    nothing = sample(torch.zeros(64, 96))
    del nothing.gt_sem_seg
    nothing.set_metainfo(dict(img_path='street.jpg'))
    with pytest.raises(ValueError, match=r'street\.jpg has neither gt_panoptic_seg nor gt_sem_seg'):
        small_head().loss(features(1), [nothing])


def test_unknown_keyword_is_an_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'in_index'"):
        small_head(in_index=[0, 1, 2, 3])
    with pytest.raises(TypeError, match="unexpected keyword argument 'feat_channels'"):
        small_head(pixel_decoder=dict(type='mmmaskformer.FPNPixelDecoder', feat_channels=3))


def test_ignore_index_among_the_classes_is_an_error():
    with pytest.raises(ValueError, match='ignore_index=3 is one of the 4 classes'):
        small_head(ignore_index=3)


def test_checkpoint_of_other_classes():
    state = small_head(num_classes=6).state_dict()
    with pytest.raises(ValueError, match='trained on 6 classes, this model has num_classes=4'):
        small_head().load_state_dict(state)
    willing = small_head(allow_class_mismatch=True)
    before = willing.class_embed.weight.clone()
    missing, unexpected = willing.load_state_dict(state, strict=False)
    assert set(missing) == {'class_embed.weight', 'class_embed.bias'}
    assert not unexpected
    assert torch.equal(willing.class_embed.weight, before)
    assert torch.equal(willing.mask_embed[0].weight, state['mask_embed.0.weight'])


def test_every_convolution_is_initialized():
    head = small_head()
    for parameter in head.parameters():
        torch.nn.init.constant_(parameter, 7.0)
    head.pixel_decoder.init_weights()
    head.transformer_decoder.init_weights()
    blocks = [*head.pixel_decoder.lateral_convs, *head.pixel_decoder.output_convs]
    convolutions = [block.conv for block in blocks] + [head.pixel_decoder.mask_features]
    for convolution in (*convolutions, head.transformer_decoder.input_proj):
        bound = (3 / convolution.weight[0].numel()) ** 0.5  # caffe2 Xavier: uniform, variance 1 / fan_in
        assert convolution.weight.abs().max() <= bound
        assert convolution.weight.detach().std() == pytest.approx(bound / 3**0.5, rel=0.2)


@pytest.mark.parametrize('dtype', HALF_TYPES)
@pytest.mark.parametrize('logit', [-60.0, 60.0])
def test_autocast_with_extreme_logits(dtype, logit):
    head = small_head()
    masks = torch.full((2, 7, 16, 24), logit, dtype=dtype, requires_grad=True)
    classes = torch.full((2, 7, 5), 0.0, dtype=dtype)
    classes[..., 0] = logit
    classes.requires_grad_()
    target = Segments(torch.tensor([1, 3]), torch.rand(2, 64, 96) > 0.5)
    with torch.autocast('cpu', dtype=dtype):
        losses = head.criterion([MaskPrediction(classes, masks)], [target, target])
        assert total(losses).isfinite()
        total(losses).backward()
    assert masks.grad.isfinite().all()
    assert classes.grad.isfinite().all()
    assert head.criterion.assigner.num_non_finite == 0


@pytest.mark.parametrize('dtype', HALF_TYPES)
def test_training_step_under_autocast(dtype):
    with torch.autocast('cpu', dtype=dtype):
        check_trains(small_head(), [torch.randint(0, 4, (64, 96))] * 2)


def test_nan_predictions_are_counted_and_said_once(capsys):
    assigner = small_head().criterion.assigner
    prediction = MaskPrediction(torch.randn(1, 7, 5), torch.full((1, 7, 16, 24), float('nan')))
    target = Segments(torch.tensor([1, 3]), torch.rand(2, 64, 96) > 0.5)
    for _ in range(2):
        ((_, segments),) = assigner([prediction], [target])[0]
        assert sorted(segments.tolist()) == [0, 1]
    assert assigner.num_non_finite == 28
    assert capsys.readouterr().out.count('NaN or infinite') <= 1


def test_criterion_by_hand():
    """One layer, one image: plain formulas over the matched pairs, normalized by the number of segments."""
    head = small_head()
    prediction = MaskPrediction(torch.randn(1, 7, 5), torch.randn(1, 7, 16, 24))
    target = Segments(torch.tensor([0, 3, 1]), torch.rand(3, 16, 24) > 0.5)
    losses = head.criterion([prediction], [target])
    ((queries, segments),) = head.criterion.assigner([prediction], [target])[0]
    logits, masks = prediction.mask_logits[0, queries].flatten(1), target.masks[segments].flatten(1)
    torch.testing.assert_close(losses['loss_mask'], 20 * focal_loss(logits, masks).sum() / 3)
    torch.testing.assert_close(losses['loss_dice'], dice_loss(logits, masks).sum() / 3)
    log_prob = prediction.class_logits[0].log_softmax(-1)
    labels = torch.full((7,), 4)
    labels[queries] = target.labels[segments]
    weights = torch.where(labels == 4, 0.1, 1.0)
    picked = -log_prob[torch.arange(7), labels]
    torch.testing.assert_close(losses['loss_cls'], (weights * picked).sum() / weights.sum())


def test_order_of_segments_and_images_does_not_matter():
    head = small_head()
    classes, masks = torch.randn(2, 7, 5), torch.randn(2, 7, 16, 24)
    targets = [Segments(torch.tensor([0, 3, 1]), torch.rand(3, 32, 48) > 0.5) for _ in range(2)]
    turned = [Segments(t.labels.flip(0), t.masks.flip(0)) for t in reversed(targets)]
    ours = head.criterion([MaskPrediction(classes, masks)], targets)
    theirs = head.criterion([MaskPrediction(classes.flip(0), masks.flip(0))], turned)
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name])


def test_loss_on_valid_pixels_does_not_see_the_others():
    """What is predicted where nothing is known changes no loss, and by default it does."""
    label_map = torch.randint(0, 4, (64, 96))
    label_map[:, 48:] = 255
    targets = {
        valid: [small_head(loss_on_valid_pixels=valid)._segments(sample(label_map))] for valid in (0, 1)
    }
    criterion = small_head().criterion
    classes, masks = torch.randn(1, 7, 5), torch.randn(1, 7, 16, 24)
    other = masks.clone()
    other[..., 14:] = torch.randn(1, 7, 16, 10)  # two columns off: bilinear upsampling looks one pixel far
    change = {
        valid: total(criterion([MaskPrediction(classes, masks)], target))
        - total(criterion([MaskPrediction(classes, other)], target))
        for valid, target in targets.items()
    }
    assert change[1].abs() < 1e-5
    assert change[0].abs() > 1e-3


def test_predictions_of_all_layers_are_alike():
    layers = small_head()(features())
    assert [tuple(layer.class_logits.shape) for layer in layers] == [(2, 7, 5)] * 2
    assert [tuple(layer.mask_logits.shape) for layer in layers] == [(2, 7, 16, 24)] * 2


def test_criterion_learns_the_same_through_factors_as_through_all_mask_logits():
    head = small_head()
    embeddings = torch.randn(2, 2, 4, 6, requires_grad=True)
    features = torch.randn(2, 6, 5, 7, requires_grad=True)
    classes = torch.randn(2, 2, 4, head.num_classes + 1)
    targets = [
        Segments(torch.tensor([1, 0, 2]), torch.rand(3, 20, 28) > 0.5),
        Segments(torch.tensor([2]), torch.rand(1, 20, 28) > 0.5),
    ]
    factors = MaskFactors(classes, embeddings, features)
    plain = head.criterion(factors.predictions(), targets)
    through = head.criterion(factors, targets)
    for name, value in plain.items():
        torch.testing.assert_close(through[name], value)
    expected = torch.autograd.grad(sum(plain.values()), (embeddings, features))
    found = torch.autograd.grad(sum(through.values()), (embeddings, features))
    for one, other in zip(found, expected):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize('size', [(64, 96), (52, 90)])  # of the second, levels are not twice the next
def test_pyramid_is_the_same_with_and_without_gradients(size, layout):
    decoder = FPNPixelDecoder(
        [4, 6, 8, 10], channels=8, mask_channels=8, norm_cfg=dict(type='GN', num_groups=2)
    )
    maps = [
        torch.randn(2, c, -(-size[0] // s), -(-size[1] // s)).contiguous(memory_format=layout)
        for c, s in zip((4, 6, 8, 10), (4, 8, 16, 32))
    ]
    expected = decoder(maps).mask_features
    with torch.no_grad():
        torch.testing.assert_close(decoder(maps).mask_features, expected.detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(('level', 'side'), [(0, 4), (1, 8), (3, 32)])
def test_queries_attend_to_the_level_of_the_pyramid_that_is_named(level, side):
    head = small_head(pixel_decoder=dict(HEAD['pixel_decoder'], memory_level=level))
    maps = [torch.rand(2, 8 * 2**i, 32 // 2**i, 32 // 2**i) for i in range(4)]
    pixels = head.pixel_decoder(maps)
    assert pixels.memory.shape == (2, head.pixel_decoder.memory_channels, side, side)
    assert (pixels.memory is maps[-1]) == (level == 0)
    assert (pixels.memory is pixels.finest) == (level == 3)
    assert len(head(maps)) == 2


def test_level_that_the_pyramid_has_not():
    with pytest.raises(ValueError, match='memory_level=4: set it from 0, the coarsest, to 3'):
        small_head(pixel_decoder=dict(HEAD['pixel_decoder'], memory_level=4))
