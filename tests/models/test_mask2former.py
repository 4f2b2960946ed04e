"""Mask2Former: losses, other ways to run, settings, results; test_golden_mask2former.py has the numbers."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from half_types import HALF_TYPES
from mask2former_models import HEAD
from small_models import features, images, panoptic_images, sample, small_head, small_model
from torch import nn
from torch._dynamo.testing import CompileCounter
from training_steps import CONVS, assert_same, build, kept_bytes, step

from mmmaskformer.functional.fast_paths import plain_functions
from mmmaskformer.functional.postprocess import instances, panoptic_segments
from mmmaskformer.functional.resizing import OutputSize, resize
from mmmaskformer.models import Mask2FormerHead
from mmmaskformer.models.layers import MaskedCrossAttention
from mmmaskformer.models.masked_attention_decoder import visible_pixels
from mmmaskformer.structures import MaskPrediction, Segments

EVERY_PIXEL = {**HEAD['criterion'], 'num_points': None}
PANOPTIC = dict(
    postprocess='before',
    panoptic=dict(score_thr=0.2, overlap_thr=0.1),
    instance=dict(max_per_image=6, stuff_competes=True),
)
META = dict(classes=('a', 'b', 'c', 'd'), thing_classes=('b', 'd'))


def head_of(**changes) -> nn.Module:
    return small_head(**{**HEAD, **changes})


def check_trains(head: nn.Module, *label_maps: torch.Tensor) -> dict:
    losses = head.loss(features(len(label_maps)), [sample(label_map) for label_map in label_maps])
    names = {'loss_cls', 'loss_mask', 'loss_dice'}
    assert set(losses) == names | {f'd{i}.{name}' for i in range(3) for name in names}
    sum(losses.values()).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, f'{name} is not part of the loss'
        assert parameter.grad.isfinite().all(), name
    return losses


@pytest.mark.parametrize('criterion', [HEAD['criterion'], EVERY_PIXEL], ids=['points', 'pixels'])
def test_no_segment_in_the_batch(criterion):
    nothing = torch.full((64, 96), 255)
    losses = check_trains(head_of(criterion=criterion), nothing, nothing)
    assert losses['loss_mask'] == losses['loss_dice'] == 0
    assert losses['loss_cls'] > 0
    check_trains(head_of(criterion=criterion), nothing, torch.randint(0, 4, (64, 96)))


@pytest.mark.parametrize('dtype', HALF_TYPES)
def test_training_step_under_autocast(dtype):
    with torch.autocast('cpu', dtype=dtype):
        check_trains(head_of(), *[torch.randint(0, 4, (64, 96))] * 2)


def test_more_segments_than_queries():
    with pytest.raises(ValueError, match='4 segments but there are only 3 queries'):
        head_of(num_queries=3).loss(features(1), [sample(torch.arange(4).repeat(24).expand(64, 96))])


def test_losses_at_points_tend_to_those_of_all_pixels():
    """At many uniform points the mean over points is that over pixels, and matches are the same."""
    torch.manual_seed(3)
    many = {**HEAD['criterion'], 'num_points': 40000, 'importance_sample_ratio': 0.0}
    prediction = MaskPrediction(torch.randn(1, 7, 5), 3 * torch.randn(1, 7, 16, 24))
    target = Segments(torch.tensor([0, 3, 1]), resize(torch.randn(1, 3, 8, 12), (64, 96))[0] > 0)
    points, pixels = (head_of(criterion=one).criterion([prediction], [target]) for one in (many, EVERY_PIXEL))
    for name, value in pixels.items():
        assert points[name].item() == pytest.approx(value.item(), rel=0.02), name


def test_valid_pixels_alone_count():
    head = head_of(loss_on_valid_pixels=True)
    label_map = torch.randint(0, 4, (64, 96))
    label_map[:, 48:] = 255
    targets = [head._segments(sample(label_map))]
    classes, masks = torch.randn(1, 7, 5), torch.randn(1, 7, 16, 24)
    other = masks.clone()
    other[..., 14:] = 50.0
    totals = []
    for one in (masks, other):
        torch.manual_seed(5)
        assigner = head.criterion.assigner([MaskPrediction(classes, one)], targets)
        totals.append(torch.stack(assigner[0][0]))
    assert torch.equal(*totals)


def test_checkpointing_changes_nothing_but_memory():
    plain, lean = build(decode_head=HEAD), build(decode_head=HEAD, with_cp=True)
    batch = images((64, 96), (64, 64))
    assert_same(step(lean, batch), step(plain, batch), 1e-6)
    assert kept_bytes(lean, batch) < 0.7 * kept_bytes(plain, batch)


def test_compiled():
    torch._dynamo.reset()
    counter, shallow = CompileCounter(), copy.deepcopy(HEAD)
    shallow['transformer_decoder']['num_layers'] = 1
    plain, compiled = (
        build(decode_head=shallow, **CONVS, **changes)
        for changes in ({}, dict(compile=dict(backend=counter)))
    )
    batch = images((64, 96))
    assert_same(step(compiled, batch), step(plain, batch), 1e-4)
    assert counter.frame_count == 3  # backbone, pixel decoder, transformer decoder
    torch._dynamo.reset()


def test_plain_functions_predict_the_same():
    model, batch = spread_model(), images((60, 75), (64, 96))
    with torch.no_grad():
        fast = model.test_step(copy.deepcopy(batch))
        with plain_functions():
            plain = model.test_step(batch)
    for one, other in zip(fast, plain):
        torch.testing.assert_close(one.seg_logits.data, other.seg_logits.data, rtol=1e-4, atol=1e-5)


def spread_model(**changes) -> nn.Module:
    """A segmentor whose queries differ in class and mask."""
    torch.manual_seed(1)
    model = small_model(decode_head={**HEAD, **changes.pop('decode_head', {})}, **changes)
    with torch.no_grad():
        model.decode_head.class_embed.weight.mul_(6)
        model.decode_head.mask_embed[-1].weight.mul_(20)
    model.dataset_meta = META
    return model


def test_prediction_does_not_depend_on_the_batch():
    model, batch = spread_model(test_cfg=PANOPTIC), images((60, 75), (64, 96), (33, 64))
    with torch.no_grad():
        together = model.test_step(copy.deepcopy(batch))
        alone = [
            model.test_step({key: value[i : i + 1] for key, value in copy.deepcopy(batch).items()})[0]
            for i in range(3)
        ]
    for one, other in zip(together, alone):
        torch.testing.assert_close(one.seg_logits.data, other.seg_logits.data, rtol=1e-4, atol=1e-5)
        assert (one.pred_panoptic_seg.data == other.pred_panoptic_seg.data).float().mean() > 0.99
        assert len(one.pred_instances.scores) == len(other.pred_instances.scores)


@pytest.mark.parametrize('postprocess', ['after', 'before'])
def test_labels_without_scores(postprocess):
    batch = images((60, 75), (64, 96))
    results = []
    for seg_logits in (True, False):
        model = spread_model(test_cfg=dict(postprocess=postprocess, seg_logits=seg_logits))
        with torch.no_grad():
            results.append(model.test_step(copy.deepcopy(batch)))
    for with_scores, without in zip(*results):
        assert 'seg_logits' not in without
        same = with_scores.pred_sem_seg.data == without.pred_sem_seg.data
        assert same.float().mean() > 0.999


def test_segmentor_trains_with_segments():
    model = small_model(decode_head=HEAD).train()
    losses = model.loss(**model.data_preprocessor(panoptic_images((64, 96), (60, 75)), True))
    assert len(losses) == 12
    assert all(value.isfinite() for value in losses.values())


def test_checkpoint_of_other_queries_and_classes():
    state = head_of(num_queries=9, num_classes=6).state_dict()
    with pytest.raises(ValueError, match='trained on 6 classes, this model has num_classes=4'):
        head_of().load_state_dict(state)
    missing, unexpected = head_of(allow_class_mismatch=True).load_state_dict(state, strict=False)
    queries = {f'transformer_decoder.query_{kind}.weight' for kind in ('embed', 'feat')}
    assert set(missing) == queries | {'class_embed.weight', 'class_embed.bias'}
    assert not unexpected


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(in_channels=[8, 16, 32]), r'in_channels is \[8, 16, 32\], but .* takes four features'),
        (dict(pixel_decoder=dict(HEAD['pixel_decoder'], num_heads=5)), '16 is not a multiple of num_heads=5'),
        (dict(criterion=dict(HEAD['criterion'], num_points=0)), 'num_points=0: set it to 1 or more'),
        (dict(criterion=dict(HEAD['criterion'], oversample_ratio=0.5)), 'set the first to 1 or more'),
    ],
)
def test_settings_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        head_of(**changes)


def test_unknown_keyword_is_an_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'feat_channels'"):
        head_of(feat_channels=3)


def test_masked_attention_is_that_of_pytorch():
    attention = MaskedCrossAttention(16, 4).eval()
    queries, keys, values = torch.randn(2, 5, 16), torch.randn(2, 11, 16), torch.randn(2, 11, 16)
    visible = torch.rand(2, 1, 5, 11) > 0.5
    visible[..., 0] = True
    blocked = ~visible.expand(-1, 4, -1, -1).flatten(0, 1)
    expected, _ = nn.MultiheadAttention.forward(attention, queries, keys, values, attn_mask=blocked)
    torch.testing.assert_close(attention(queries, keys, values, visible), expected)


def test_visible_pixels_are_those_of_the_resized_masks():
    """Features are resized, not masks; a query without any pixel sees all of them."""
    head = head_of()
    queries, finest = torch.randn(2, 7, 16), torch.randn(2, 16, 16, 24)
    with torch.no_grad():
        masks = torch.einsum(
            'bqc,bchw->bqhw', head.mask_embed(queries), head.pixel_decoder.mask_features(finest)
        )
        (guide,) = head.pixel_decoder.mask_features_at(finest, [(4, 6)])
        visible = visible_pixels(queries, head.mask_embed, guide)
    expected = F.interpolate(masks, size=(4, 6), mode='bilinear', align_corners=False).flatten(2)
    empty = (expected < 0).all(-1)
    assert torch.equal(visible[:, 0], (expected >= 0) | empty[..., None])
    guide[:, :, :, :] = 0
    with torch.no_grad():
        head.mask_embed[-1].bias.zero_()
        assert visible_pixels(queries, head.mask_embed, guide - 1e-3).any(-1).all()


def test_initial_weights():
    head = head_of()
    for parameter in head.parameters():
        nn.init.constant_(parameter, 7.0)
    head.pixel_decoder.init_weights()
    head.transformer_decoder.init_weights()
    attention = head.pixel_decoder.layers[0].self_attn
    offsets = attention.sampling_offsets.bias.reshape(4, 3, 2, 2)  # head, level, point, (x, y)
    expected = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    torch.testing.assert_close(offsets[:, 1, 0], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(offsets[:, 2, 1], 2 * expected, atol=1e-6, rtol=0)
    assert not attention.sampling_offsets.weight.any()
    assert not attention.attention_weights.weight.any()
    convolutions = [m for m in head.pixel_decoder.modules() if isinstance(m, nn.Conv2d)]
    matrices = [p for layer in head.transformer_decoder.layers for p in layer.parameters() if p.dim() > 1]
    for weight in [convolution.weight for convolution in convolutions] + matrices:
        assert weight.abs().max() < 1.0, weight.shape


CERTAIN = torch.tensor([[9.0, 0.0, -9.0], [0.0, 9.0, -9.0]])  # two classes and no-object


def test_pixels_of_no_mask_are_void():
    """Two queries: one has the left pixel, the other the middle one, and the right one has neither."""
    masks = torch.tensor([[[3.0, -2.0, -1.0]], [[-3.0, 2.0, -2.0]]])
    size = OutputSize((1, 3), (1, 3), (1, 3))
    prediction = MaskPrediction(CERTAIN, masks)
    assert panoptic_segments(prediction, size, [True, True], overlap_thr=0.3).ids.tolist() == [[1, 2, 1]]
    found = Mask2FormerHead.panoptic_segments(prediction, size, [True, True], overlap_thr=0.3)
    assert found.ids.tolist() == [[1, 2, 0]]
    assert [segment['category_id'] for segment in found.segments_info] == [0, 1]


def test_a_segment_without_a_pixel_that_is_more_in_than_out_is_left_out():
    masks = torch.tensor([[[-1.0, -2.0]], [[-3.0, 2.0]]])
    size = OutputSize((1, 2), (1, 2), (1, 2))
    found = Mask2FormerHead.panoptic_segments(MaskPrediction(CERTAIN, masks), size, [True, True])
    assert found.ids.tolist() == [[0, 1]]
    assert [segment['category_id'] for segment in found.segments_info] == [1]


def test_stuff_takes_places_of_objects():
    """Stuff has the most probable pair of two: one object is left, or two if stuff does not compete."""
    classes = torch.tensor([[5.0, 0.0, 0.0], [1.0, 4.0, 0.0], [0.0, 2.0, 3.0]])
    prediction = MaskPrediction(classes, torch.ones(3, 2, 2))
    size = OutputSize((2, 2), (2, 2), (2, 2))
    for competes, number in ((True, 1), (False, 2)):
        found = instances(prediction, size, [False, True], max_per_image=2, stuff_competes=competes)
        assert found.labels.tolist() == [1] * number
