"""The parts of the paper's ablations: fixed matching, boxes for masks, no self-attention, one layer."""

from __future__ import annotations

import pytest
import torch
from small_models import HEAD, features, images, sample, small_head, small_model

from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.functional.semantic_inference import general_semantic_labels
from mmmaskformer.models.assigners import MaskBoxGIoUCost, MaskBoxL1Cost, MatchInput
from mmmaskformer.registry import TASK_UTILS
from mmmaskformer.structures import MaskPrediction, Segments

FIXED = dict(type='mmmaskformer.MaskFormerCriterion', assigner=dict(type='mmmaskformer.FixedAssigner'))


def decoder(**changes) -> dict:
    return {**HEAD['transformer_decoder'], **changes}


def prediction(num_queries: int, num_classes: int = 4, images: int = 2) -> MaskPrediction:
    return MaskPrediction(
        torch.randn(images, num_queries, num_classes + 1), torch.randn(images, num_queries, 16, 24)
    )


def fixed_matches(layers: list[MaskPrediction], *labels: list[int]) -> list:
    targets = [Segments(torch.tensor(row).long(), torch.rand(len(row), 64, 96) > 0.5) for row in labels]
    matches = TASK_UTILS.build(FIXED['assigner'])(layers, targets)
    return [[[part.tolist() for part in match] for match in layer] for layer in matches]


def test_each_class_has_its_query():
    matches = fixed_matches([prediction(6)] * 3, [2, 0, 3], [])
    assert matches == [[[[0, 2, 3], [1, 0, 2]], [[], []]]] * 3


def test_fewer_queries_than_classes():
    with pytest.raises(ValueError, match=r'4 classes .* only 3: set decode_head.num_queries=4'):
        fixed_matches([prediction(3)], [1], [0])


def test_two_segments_of_a_class():
    with pytest.raises(ValueError, match=r'two segments of class 2.*semantic data set.*HungarianAssigner'):
        fixed_matches([prediction(4)], [1], [2, 0, 2])


def test_losses_of_fixed_matching_by_hand():
    """Classes 1 and 3 are present: queries 1 and 3 learn them, queries 0 and 2 no-object."""
    head = small_head(num_queries=4, criterion=FIXED)
    target = Segments(torch.tensor([3, 1]), torch.rand(2, 16, 24) > 0.5)
    layer = prediction(4, images=1)
    losses = head.criterion([layer], [target])
    labels, weights = torch.tensor([4, 1, 4, 3]), torch.tensor([0.1, 1.0, 0.1, 1.0])
    picked = -layer.class_logits[0].log_softmax(-1)[torch.arange(4), labels]
    torch.testing.assert_close(losses['loss_cls'], (weights * picked).sum() / weights.sum())
    masks = torch.stack([target.masks[1], target.masks[0]]).flatten(1)
    expected = head.criterion.loss_dice(layer.mask_logits[0, [1, 3]].flatten(1), masks).sum() / 2
    torch.testing.assert_close(losses['loss_dice'], expected)


def test_a_step_of_fixed_matching():
    head = small_head(num_queries=4, criterion=FIXED)
    label_maps = [torch.randint(0, 4, (64, 96)), torch.full((64, 96), 255)]
    total = sum(head.loss(features(), [sample(label_map) for label_map in label_maps]).values())
    total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())


def rectangle(left: int, top: int, right: int, bottom: int) -> torch.Tensor:
    mask = torch.zeros(4, 8)
    mask[top:bottom, left:right] = 1
    return mask


def box_pairs(valid: torch.Tensor | None = None) -> MatchInput:
    """Masks of 4 x 8 with holes in them: what counts is the box."""
    hollow = rectangle(0, 0, 4, 4)
    hollow[1:3, 1:3] = 0
    predicted = torch.stack([hollow, rectangle(4, 0, 8, 4), rectangle(0, 0, 0, 0)])
    targets = torch.stack([rectangle(0, 0, 4, 4), rectangle(6, 2, 8, 4)])
    logits, labels = (predicted - 0.5).flatten(1), torch.tensor([0, 1])
    return MatchInput(torch.rand(3, 5), logits, labels, targets.flatten(1), valid, (4, 8))


def test_box_costs_by_hand():
    """Boxes: left half, right half, none; targets: left half, lower right quarter of the right half.

    The right half and its quarter: centers (0.75, 0.5), (0.875, 0.75), sizes (0.5, 1), (0.25, 0.5): L1 1.125;
    intersection 1/8 of the image, union and box around both 1/2: GIoU 1/4. The left half and the quarter:
    no intersection, union 5/8, the box around both is the image: GIoU -3/8.
    """
    l1, giou = MaskBoxL1Cost()(box_pairs()), MaskBoxGIoUCost()(box_pairs())
    assert l1[:2, 0].tolist() == [0.0, 5 * 0.5]
    assert l1[1, 1].item() == pytest.approx(5 * 1.125)
    assert giou[0].tolist() == pytest.approx([-2.0, 2 * 0.375])
    assert giou[1].tolist() == pytest.approx([0.0, -0.5])
    assert giou[2].tolist() == [2.0, 2.0]
    assert MaskBoxL1Cost(weight=1.0)(box_pairs())[1, 0].item() == 0.5


def test_pixels_that_do_not_count_are_in_no_box():
    valid = rectangle(0, 0, 6, 4).flatten()
    cost = MaskBoxL1Cost(weight=1.0)(box_pairs(valid))
    assert cost[1, 0].item() == pytest.approx(0.625 - 0.25 + 0.25)  # columns 4 and 5 are left of the box


def test_boxes_decide_the_matching():
    """Two hollow squares: by boxes the first query is perfect, by masks the second is better."""
    names = ('ClassificationCost', 'MaskBoxL1Cost', 'MaskBoxGIoUCost')
    costs = [dict(type=f'mmmaskformer.{name}') for name in names]
    by_boxes = TASK_UTILS.build(dict(type='mmmaskformer.HungarianAssigner', costs=costs))
    by_masks = TASK_UTILS.build(dict(type='mmmaskformer.HungarianAssigner'))
    target = torch.ones(16, 24, dtype=torch.bool)
    frame, inner = target.clone(), torch.zeros_like(target)
    frame[1:-1, 1:-1] = False
    inner[2:-2, 2:-2] = True
    masks = torch.stack([frame, inner]).float().mul(20).sub(10)[None]
    layer = MaskPrediction(torch.zeros(1, 2, 5), masks)
    segments = [Segments(torch.tensor([1]), target.repeat_interleave(4, 0).repeat_interleave(4, 1)[None])]
    assert by_boxes([layer], segments)[0][0][0].tolist() == [0]
    assert by_masks([layer], segments)[0][0][0].tolist() == [1]


def test_without_self_attention_queries_do_not_see_each_other():
    inputs = features(1)
    for self_attn in (True, False):
        torch.manual_seed(0)
        head = small_head(transformer_decoder=decoder(self_attn=self_attn)).eval()
        before = head(inputs)
        with torch.no_grad():
            head.transformer_decoder.query_embed.weight[0] += 1
        unmoved = [
            torch.equal(a.class_logits[:, 1:], b.class_logits[:, 1:]) for a, b in zip(before, head(inputs))
        ]
        assert unmoved == [True, not self_attn]  # in the first layer there is nothing to see yet
        assert not torch.equal(before[-1].class_logits[:, 0], head(inputs)[-1].class_logits[:, 0])


def test_without_self_attention_every_parameter_learns():
    head = small_head(transformer_decoder=decoder(self_attn=False))
    names = dict(head.named_parameters())
    assert not [name for name in names if 'self_attn' in name or '.norm1.' in name]
    sum(head.loss(features(1), [sample(torch.randint(0, 4, (64, 96)))]).values()).backward()
    assert all(p.grad is not None for p in names.values())


def test_one_layer():
    head = small_head(transformer_decoder=decoder(num_layers=1))
    losses = head.loss(features(1), [sample(torch.randint(0, 4, (64, 96)))])
    assert set(losses) == {'loss_cls', 'loss_mask', 'loss_dice'}


@pytest.mark.parametrize('score_thr', [0.0, 0.5])
def test_general_inference_of_the_segmentor(score_thr):
    """Its label map is that of the function; the scores stay those of semantic inference."""
    torch.manual_seed(0)
    general = dict(mode='whole', semantic='general', general=dict(score_thr=score_thr))
    model, plain = small_model(test_cfg=general), small_model()
    found = MaskPrediction(3 * torch.randn(1, 7, 5), 4 * torch.randn(1, 7, 16, 24))
    one, results = MaskPrediction(*(part[0] for part in found)), []
    for segmentor in (model, plain):
        segmentor.decode_head.predict_masks = lambda features: found
        segmentor.decode_head.predict_each = lambda features, wanted: [one]
        batch = images((60, 75))
        batch['data_samples'][0].set_metainfo(dict(ori_shape=(90, 110)))
        results += segmentor.test_step(batch)
    result, expected = results
    labels = general_semantic_labels(one, OutputSize((64, 96), (60, 75), (90, 110)), score_thr)
    assert torch.equal(result.pred_sem_seg.data, labels)
    assert not torch.equal(labels, expected.pred_sem_seg.data)
    torch.testing.assert_close(result.seg_logits.data, expected.seg_logits.data, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(test_cfg=dict(semantic='generic')),
            "semantic is 'generic': set it to True",
        ),
        (
            dict(test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(32, 32), semantic='general')),
            "set mode='whole'",
        ),
        (
            dict(
                test_cfg=dict(mode='whole', semantic='general'),
                decode_head=dict(
                    type='mmmaskformer.PerPixelBaselineHead',
                    **{key: HEAD[key] for key in ('in_channels', 'num_classes', 'pixel_decoder')},
                ),
            ),
            'PerPixelBaselineHead predicts no masks: leave panoptic',
        ),
    ],
)
def test_mistakes_in_settings_of_general_inference(changes, message):
    with pytest.raises(ValueError, match=message):
        small_model(**changes)
