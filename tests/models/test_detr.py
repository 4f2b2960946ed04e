"""DETR: losses, other ways to run, settings, results; test_golden_detr.py has the numbers."""

from __future__ import annotations

import copy

import pytest
import torch
from detr_models import HEAD
from half_types import HALF_TYPES
from small_models import features, images, panoptic_images, sample, small_model
from torch import nn
from torch._dynamo.testing import CompileCounter
from training_steps import CONVS, assert_same, build, kept_bytes, step

from mmmaskformer.functional.boxes import corners, detr_boxes, giou
from mmmaskformer.functional.detr_inference import detr_instances, detr_segments, nearest_by_center
from mmmaskformer.functional.padding import valid_sizes
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.models.layers import SinePositionEncoding
from mmmaskformer.registry import MODELS
from mmmaskformer.structures import BoxedMaskPrediction, MaskPrediction

META = dict(classes=('a', 'b', 'c', 'd'), thing_classes=('b', 'd'))
RESULTS = dict(semantic=False, panoptic=dict(score_thr=0.2), instance=dict())
COLUMNS = dict(class_columns=[1, 3, 4, 8], num_columns=10)


def head_of(**changes) -> nn.Module:
    return MODELS.build({**HEAD, **changes})


def model_of(**changes) -> nn.Module:
    """A segmentor whose queries differ in class and mask."""
    torch.manual_seed(1)
    settings = dict(decode_head={**HEAD, **changes.pop('decode_head', {})}, test_cfg=RESULTS)
    model = small_model(**{**settings, **changes})
    with torch.no_grad():
        model.decode_head.class_embed.weight.mul_(6)
    model.dataset_meta = META
    return model


def check_trains(head: nn.Module, *label_maps: torch.Tensor) -> dict:
    losses = head.loss(features(len(label_maps)), [sample(label_map) for label_map in label_maps])
    names = {'loss_cls', 'loss_bbox', 'loss_giou'}
    measures = {'class_error', 'cardinality_error'}
    assert set(losses) == names | {f'd0.{name}' for name in names} | {'loss_mask', 'loss_dice'} | measures
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, f'{name} is not part of the loss'
        assert parameter.grad.isfinite().all(), name
    return losses


def test_no_segment_in_the_batch():
    nothing = torch.full((64, 96), 255)
    losses = check_trains(head_of(), nothing, nothing)
    assert all(losses[f'loss_{name}'] == 0 for name in ('bbox', 'giou', 'mask', 'dice'))
    assert losses['loss_cls'] > 0
    assert losses['class_error'] == 100
    check_trains(head_of(), nothing, torch.randint(0, 4, (64, 96)))


@pytest.mark.parametrize('dtype', HALF_TYPES)
def test_training_step_under_autocast(dtype):
    with torch.autocast('cpu', dtype=dtype):
        check_trains(head_of(), *[torch.randint(0, 4, (64, 96))] * 2)


def test_more_segments_than_queries():
    with pytest.raises(ValueError, match='4 segments but there are only 3 queries'):
        head_of(num_queries=3).loss(features(1), [sample(torch.arange(4).repeat(24).expand(64, 96))])


def test_the_padding_of_a_batch_changes_no_loss_of_boxes():
    """Alone and padded: the transformer does not see the padding, only the mask head's pixels do."""
    head, maps = head_of(), features(1, 64, 96)
    label_map = torch.randint(0, 4, (64, 96))
    (alone,) = [head.loss(maps, [sample(label_map)])]
    padded = [nn.functional.pad(one, (0, one.shape[3] // 3, 0, one.shape[2] // 2), value=9.0) for one in maps]
    labels = nn.functional.pad(label_map, (0, 32, 0, 32), value=255)
    one = sample(labels)
    one.set_metainfo(dict(img_shape=(64, 96)))
    together = head.loss(padded, [one])
    for name in ('loss_cls', 'loss_bbox', 'loss_giou', 'd0.loss_bbox', 'class_error'):
        torch.testing.assert_close(together[name], alone[name], rtol=1e-4, atol=1e-5)
    assert not torch.isclose(together['loss_mask'], alone['loss_mask'])
    one.set_metainfo(dict(img_shape=(96, 128)))
    assert not torch.isclose(head.loss(padded, [one])['loss_bbox'], alone['loss_bbox'])


def test_positions_count_the_cells_of_the_image():
    encoding, maps = SinePositionEncoding(8), torch.zeros(2, 3, 4, 5)
    found = encoding(maps, [(4, 3), (2, 5)])
    assert torch.equal(found[0, :, :, :3], encoding(maps[:, :, :, :3])[0])
    assert torch.equal(found[1, :, :2], encoding(maps[:, :, :2])[0])
    assert not found[1, :, 2:].any()


def test_a_partly_padded_cell_counts_by_its_first_pixel():
    """Cells of 32 pixels: 33 rows reach into the second cell, 32 do not."""
    assert valid_sizes([(64, 64), (33, 32)], (64, 64), (2, 2)) == [(2, 2), (2, 1)]
    assert valid_sizes([(64, 64)] * 2, (64, 64), (2, 2)) is None


def test_frozen_detector_trains_the_mask_head_alone():
    head = head_of(frozen_detector=True)
    losses = head.loss(features(2), [sample(torch.randint(0, 4, (64, 96)))] * 2)
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    trained = {name for name, parameter in head.named_parameters() if parameter.grad is not None}
    assert trained == {name for name, _ in head.named_parameters() if name.startswith('mask_head.')}


def test_boxes_alone_and_then_masks():
    """The first step's checkpoint is all of the second step's model but the mask head."""
    model = model_of(decode_head=dict(with_masks=False), test_cfg=dict(semantic=False, instance=dict()))
    losses = model.train().loss(**model.data_preprocessor(panoptic_images((64, 96), (60, 75)), True))
    assert not [name for name in losses if 'mask' in name or 'dice' in name]
    with torch.no_grad():
        (found,) = model.eval().test_step(images((60, 75)))
    assert found.pred_instances.bboxes.shape[1] == 4
    assert not found.pred_instances.masks.any()
    head = model_of(decode_head=dict(frozen_detector=True))
    missing, unexpected = head.load_state_dict(model.state_dict(), strict=False)
    assert {name.split('.')[1] for name in missing} == {'mask_head'}
    assert not unexpected


def test_checkpointing_changes_nothing_but_memory():
    plain, lean = build(decode_head=HEAD), build(decode_head=HEAD, with_cp=True)
    batch = images((64, 96), (64, 64))
    assert_same(step(lean, batch), step(plain, batch), 1e-6)
    assert kept_bytes(lean, batch) < 0.8 * kept_bytes(plain, batch)


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
    assert counter.frame_count == 3  # backbone, encoder, transformer decoder
    torch._dynamo.reset()


def test_prediction_does_not_depend_on_the_batch():
    """Nor on a padding that the preprocessor is set to."""
    batch = images((60, 75), (64, 96), (33, 64))
    preprocessor = dict(model_of().data_preprocessor.__dict__)
    model = model_of()
    assert preprocessor['size_divisor'] == 32
    with torch.no_grad():
        together = model.test_step(copy.deepcopy(batch))
        model.data_preprocessor.size_divisor = 1
        alone = [
            model.test_step({key: value[i : i + 1] for key, value in copy.deepcopy(batch).items()})[0]
            for i in range(3)
        ]
    for one, other in zip(together, alone):
        assert (one.pred_panoptic_seg.data == other.pred_panoptic_seg.data).float().mean() > 0.99
        torch.testing.assert_close(one.pred_instances.bboxes, other.pred_instances.bboxes)
        torch.testing.assert_close(one.pred_instances.scores, other.pred_instances.scores)
        assert {segment['isthing'] for segment in one.pred_segments_info} <= {True, False}


def test_semantic_results_come_from_all_masks():
    model = model_of(test_cfg=dict(RESULTS, semantic=True))
    with torch.no_grad():
        (found,) = model.test_step(images((60, 75)))
        scores = model.decode_head.predict(features(1, 64, 96), [dict(img_shape=(64, 96))], None)
    assert found.seg_logits.data.shape == (4, 60, 75)
    assert scores.shape == (1, 4, 64, 96)


def test_columns_that_are_no_class_count_as_no_object():
    head = head_of(**COLUMNS)
    logits = torch.randn(2, 7, 11)
    found = head._of_classes(logits).softmax(-1)
    probabilities = logits.softmax(-1)
    torch.testing.assert_close(found[..., :4], probabilities[..., [1, 3, 4, 8]])
    torch.testing.assert_close(found[..., 4], 1 - found[..., :4].sum(-1))
    assert head(features(1)).class_logits.shape == (1, 7, 5)
    assert head.class_embed.out_features == 11
    check_trains(head, torch.randint(0, 4, (64, 96)))


def test_checkpoint_of_other_queries_and_classes():
    state = head_of(num_queries=9, num_classes=6).state_dict()
    with pytest.raises(ValueError, match='trained on 6 classes, this model has num_classes=4'):
        head_of().load_state_dict(state)
    missing, unexpected = head_of(allow_class_mismatch=True).load_state_dict(state, strict=False)
    queries = {'transformer_decoder.query_embed.weight'}
    assert set(missing) == queries | {'class_embed.weight', 'class_embed.bias'}
    assert not unexpected
    head_of(**COLUMNS).load_state_dict(head_of(**COLUMNS).state_dict())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            dict(encoder=dict(HEAD['encoder'], channels=64)),
            'channels=64 .* set channels to a multiple of 128',
        ),
        (dict(class_columns=[0, 1]), '2 different numbers, expected one for each of num_classes=4'),
        (dict(class_columns=[0, 1, 1, 2]), '3 different numbers'),
        (dict(class_columns=[0, 1, 2, 9], num_columns=9), 'num_columns is 9: set it to 10 or more'),
        (dict(num_columns=9), 'num_columns=9 is not num_classes=4: set class_columns'),
        (dict(with_masks=False, frozen_detector=True), 'set with_masks=True'),
    ],
)
def test_settings_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        head_of(**changes)


def test_results_that_need_masks():
    with pytest.raises(ValueError, match='predicts boxes alone: set semantic=False'):
        model_of(decode_head=dict(with_masks=False))
    with pytest.raises(ValueError, match="unknown setting 'overlap_thr': known are"):
        model_of(test_cfg=dict(panoptic=dict(overlap_thr=0.5)))


def test_unknown_keyword_is_an_error():
    with pytest.raises(TypeError, match="unexpected keyword argument 'feat_channels'"):
        head_of(feat_channels=3)


def test_masks_of_few_queries_are_those_of_all():
    head, maps = head_of().eval(), features(2)
    with torch.no_grad():
        everything = head(maps)
        flags = torch.zeros(everything.class_logits.shape[:2], dtype=torch.bool)
        flags[:, [1, 5]] = True
        chosen = head.predict_each(maps, lambda logits: flags)
    for k, image in enumerate(chosen):
        torch.testing.assert_close(image.mask_logits, everything.mask_logits[k, [1, 5]])
        assert torch.equal(image.boxes, everything.boxes[k, [1, 5]])


def test_attention_per_head_is_another_setting():
    """One softmax for all heads shares one weight; one for each head gives each head its own."""
    joint, single = (
        head_of(mask_head=dict(type='mmmaskformer.DETRMaskHead', joint_softmax=value)).mask_head.attention
        for value in (True, False)
    )
    keys = joint.keys(torch.randn(1, 128, 2, 3))[0]
    queries = torch.randn(5, 128)
    torch.testing.assert_close(joint(queries, keys, None).sum((1, 2)), torch.ones(5))
    torch.testing.assert_close(single(queries, keys, None).sum(2), torch.ones(5, 8))


def test_initial_weights():
    head = head_of()
    head.mask_head.init_weights()
    assert not head.mask_head.out.bias.any()
    weight = head.mask_head.convs[1].weight  # uniform in +- sqrt(3 / fan in)
    assert weight.abs().max().item() == pytest.approx((3 / weight[0].numel()) ** 0.5, rel=0.01)


SIZE = OutputSize((1, 6), (1, 6), (1, 6))
CLASSES = torch.tensor([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]])


def test_small_segments_leave_and_stuff_is_one():
    """Class 0 is a thing, 1 stuff; the last query is no-object, and the highest everywhere."""
    masks = torch.full((4, 1, 6), -1.0)
    masks[0, :, :1], masks[1, :, 1:3], masks[2, :, 3:], masks[3] = 5.0, 5.0, 4.0, 9.0
    masks[0, :, 3:] = 3.0
    prediction = MaskPrediction(CLASSES, masks)
    every = detr_segments(prediction, SIZE, [True, False], min_area=1)
    assert [segment['category_id'] for segment in every.segments_info] == [0, 1]
    # pixels 3 to 5 went to the second piece of stuff, which leaves when it is merged into the first one
    assert every.ids.tolist() == [[1, 2, 2, 1, 1, 1]]
    large = detr_segments(prediction, SIZE, [True, False], min_area=2)
    assert large.ids.tolist() == [[1] * 6]
    assert large.segments_info[0]['category_id'] == 1
    nothing = detr_segments(prediction, SIZE, [True, False], min_area=9)
    assert not nothing.segments_info
    assert not nothing.ids.any()


def test_objects_have_their_own_boxes():
    boxes = torch.tensor(
        [[0.5, 0.5, 1.0, 1.0], [0.25, 0.5, 0.5, 1.0], [0.0, 0.0, 0.1, 0.1], [0.5, 0.5, 0.5, 0.5]]
    )
    masks = torch.ones(4, 1, 6)
    prediction = BoxedMaskPrediction(CLASSES, masks, boxes)
    size = OutputSize((1, 6), (1, 6), (10, 20))
    found = detr_instances(prediction, size, [False, True], max_per_image=2)
    assert found.labels.tolist() == [1, 1]
    torch.testing.assert_close(found.bboxes[0], torch.tensor([0.0, 0.0, 10.0, 10.0]))
    assert found.masks.shape == (2, 10, 20)
    assert found.masks.all()
    assert len(detr_instances(prediction, size, [True, True]).labels) == 4  # no-object is not looked at


def test_nearest_pixels_are_those_of_pillow():
    from PIL import Image

    for source, target in [(75, 149), (125, 187), (800, 427), (7, 7), (1199, 640)]:
        line = Image.fromarray(torch.arange(source, dtype=torch.int32)[None].numpy())
        expected = torch.tensor(list(line.resize((target, 1), Image.NEAREST).getdata()))
        assert torch.equal(nearest_by_center(source, target), expected)


def test_boxes_are_from_first_to_last_pixel():
    masks = torch.zeros(3, 6, 12, dtype=torch.bool)
    masks[0, 1:3, 2:6], masks[1, 4, 7] = True, True
    found = detr_boxes(masks, (5, 10))
    torch.testing.assert_close(found[0], torch.tensor([0.35, 0.3, 0.3, 0.2]))
    torch.testing.assert_close(found[1], torch.tensor([0.7, 0.8, 0.0, 0.0]))
    assert found[2].tolist() == [0.0] * 4


def test_giou_of_boxes_without_area():
    """A line in a square: nothing in common but the line, which is in the box around both."""
    line, square = torch.tensor([[0.2, 0.5, 0.8, 0.5]]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    assert giou(line, square).item() == pytest.approx(0.0)
    assert giou(line, line).item() == -1.0
    torch.testing.assert_close(corners(torch.tensor([0.5, 0.5, 0.6, 0.0])), line[0])
