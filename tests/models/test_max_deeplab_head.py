"""MaX-DeepLab's losses on a MaskFormer-shaped network: matching, criterion, head, configs, training."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
import small_models
import torch
from half_types import HALF_TYPES
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope
from small_models import features, images, panoptic_images, sample, small_head, small_model

from mmmaskformer.functional.max_deeplab_inference import max_deeplab_segments
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.registry import MODELS
from mmmaskformer.structures import MaskPrediction, Segments

HEAD = {**small_models.HEAD, 'type': 'mmmaskformer.MaXDeepLabHead', 'embedding_channels': 10}
LOSSES = {'loss_pq', 'loss_mask_id', 'loss_instance', 'loss_semantic'}
CONFIGS = Path(__file__).parents[2] / 'configs'
LEAVES = sorted(CONFIGS.glob('*/max_deeplab_r*.py'))


def head_of(**changes):
    return small_head(**{**HEAD, **changes})


def label_maps(count: int = 2) -> list[torch.Tensor]:
    blocks = torch.randint(0, 4, (count, 8, 12)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    blocks[:, :8, :16] = 255
    return list(blocks)


def check_trains(head, maps) -> dict:
    losses = head.loss(features(len(maps)), [sample(label_map) for label_map in maps])
    sum(losses.values()).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, f'{name} is not part of the loss'
        assert parameter.grad.isfinite().all(), name
    assert all(value.isfinite() for value in losses.values())
    return losses


def test_masks_of_a_layer_are_exclusive():
    """Sigmoids of the mask logits sum to one over the slots, in every layer."""
    layers = head_of()(features())
    assert [tuple(layer.mask_logits.shape) for layer in layers] == [(2, 7, 16, 24)] * 2
    for layer in layers:
        torch.testing.assert_close(layer.mask_logits.sigmoid().sum(1), torch.ones(2, 16, 24))


def test_assigner_maximizes_class_times_dice_in_each_layer():
    assigner = head_of().criterion.assigner
    predictions = [MaskPrediction(torch.randn(1, 5, 5), torch.randn(1, 5, 16, 24)) for _ in range(2)]
    target = Segments(torch.tensor([1, 3, 0]), torch.rand(3, 16, 24) > 0.5)
    for prediction, ((slots, segments),) in zip(predictions, assigner(predictions, [target])):
        prob, masks = prediction.class_logits[0].softmax(-1), prediction.mask_logits[0].sigmoid()
        overlap = torch.einsum('nhw,shw->ns', masks, target.masks.float())
        areas = masks.sum((1, 2))[:, None] + target.masks.sum((1, 2))
        similarity = prob[:, target.labels] * 2 * overlap / areas
        most = max(sum(similarity[n, s] for s, n in enumerate(c)) for c in permutations(range(5), 3))
        torch.testing.assert_close(similarity[slots, segments].sum(), most)


def test_training_step():
    losses = check_trains(head_of(), label_maps())
    assert set(losses) == LOSSES
    assert losses['loss_instance'] > 0
    assert losses['loss_semantic'] > 0


@pytest.mark.parametrize('void', [(True, True), (True, False)])
def test_void_images(void):
    maps = [torch.full((64, 96), 255) if v else label_map for v, label_map in zip(void, label_maps())]
    losses = check_trains(head_of(), maps)
    if all(void):
        assert losses['loss_mask_id'] == losses['loss_instance'] == losses['loss_semantic'] == 0
        assert losses['loss_pq'] > 0


@pytest.mark.parametrize('dtype', HALF_TYPES)
def test_training_step_under_autocast(dtype):
    torch.manual_seed(3)
    head, maps = head_of(), label_maps()
    head.mask_embed[-1].weight.data.mul_(50)  # masks that half precision would saturate
    with torch.autocast('cpu', dtype=dtype):
        losses = check_trains(head, maps)
    assert all(value.dtype == torch.float32 for value in losses.values())
    assert head.criterion.assigner.num_non_finite == 0


def test_deep_supervision():
    head = head_of(criterion=dict(type='mmmaskformer.MaXDeepLabCriterion', deep_supervision=True))
    assert set(check_trains(head, label_maps())) == LOSSES | {'d0.loss_pq', 'd0.loss_mask_id'}


def test_weights_of_the_losses():
    """Each weight is the paper's; the PQ-style loss is divided by the number of slots."""
    plain = {
        'loss_pq': dict(type='mmmaskformer.PQStyleLoss', loss_weight=1.0, mean_over_slots=False),
        'loss_mask_id': dict(type='mmmaskformer.MaskIDLoss', loss_weight=1.0),
        'loss_instance': dict(type='mmmaskformer.InstanceDiscriminationLoss', loss_weight=1.0),
        'loss_semantic': dict(type='mmmaskformer.AuxiliarySemanticLoss', loss_weight=1.0),
    }
    criteria = [MODELS.build(dict(type='mmmaskformer.MaXDeepLabCriterion', **c)) for c in ({}, plain)]
    head = head_of()
    segments = [head._segments(sample(label_map)) for label_map in label_maps()]
    inputs = (head(features())[-1:], segments, torch.randn(2, 10, 16, 24), torch.randn(2, 4, 16, 24))
    weighted, unweighted = (criterion(*inputs) for criterion in criteria)
    for name, weight in dict(loss_pq=3 / 7, loss_mask_id=0.3, loss_instance=1, loss_semantic=1).items():
        torch.testing.assert_close(weighted[name], weight * unweighted[name])


def test_things_alone_learn_to_be_told_apart():
    loss = MODELS.build(dict(type='mmmaskformer.InstanceDiscriminationLoss', thing_classes=[1, 3]))
    every = MODELS.build(dict(type='mmmaskformer.InstanceDiscriminationLoss'))
    embedding, labels, masks = (
        torch.randn(5, 8),
        torch.tensor([3, 0]),
        torch.arange(8) // 4 == torch.arange(2)[:, None],
    )
    own = every(embedding, labels, masks) * 2 - loss(embedding, labels, masks)
    torch.testing.assert_close(loss(embedding, labels.flip(0), masks), own)
    assert loss(embedding, torch.tensor([0, 2]), masks) == 0


def test_void_pixels_teach_nothing():
    """What is predicted on void changes neither losses nor matching, unless void is background."""
    label_map = torch.randint(0, 4, (64, 96))
    label_map[:, 48:] = 255
    classes, raw, embedding, semantic = (torch.randn(1, c, 16, 24) for c in (7, 7, 10, 4))
    classes = classes[..., 0, :5]
    changed = [tensor.clone() for tensor in (raw, embedding, semantic)]
    for tensor in changed:
        tensor[..., 12:] = torch.randn_like(tensor[..., 12:])
    for valid in (True, False):
        head = head_of(loss_on_valid_pixels=valid)
        segments = [head._segments(sample(label_map))]
        first = head.criterion([MaskPrediction(classes, raw)], segments, embedding, semantic)
        other = head.criterion([MaskPrediction(classes, changed[0])], segments, *changed[1:])
        same = {name: bool(torch.isclose(first[name], other[name])) for name in LOSSES}
        assert same == {**dict.fromkeys(LOSSES, True), 'loss_pq': valid, 'loss_instance': True}


def test_more_segments_than_slots():
    with pytest.raises(ValueError, match=r'4 segments but there are only 3 queries'):
        head_of(num_queries=3).loss(
            features(1), [sample(torch.arange(4).repeat_interleave(24).expand(64, 96))]
        )
    with pytest.raises(ValueError, match=r'num_queries=1: slots share pixels'):
        head_of(num_queries=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'num_slots'"):
        head_of(num_slots=3)


def test_checkpoint_of_other_classes():
    state = head_of(num_classes=6).state_dict()
    with pytest.raises(ValueError, match='trained on 6 classes, this model has num_classes=4'):
        head_of().load_state_dict(state)
    missing, unexpected = head_of(allow_class_mismatch=True).load_state_dict(state, strict=False)
    names = {f'{part}.{kind}' for part in ('class_embed', 'pixel_classifier') for kind in ('weight', 'bias')}
    assert set(missing) == names
    assert not unexpected


PANOPTIC = dict(mode='whole', panoptic=dict(score_thr=0.3, pixel_thr=0.3), instance=dict(max_per_image=6))


def spread_model(**changes):
    """A segmentor whose slots differ in class and mask."""
    torch.manual_seed(1)
    model = small_model(decode_head=HEAD, **changes)
    with torch.no_grad():
        model.decode_head.class_embed.weight.mul_(6)
        model.decode_head.mask_embed[-1].weight.mul_(400)
    model.dataset_meta = dict(classes=('a', 'b', 'c', 'd'), thing_classes=('b', 'd'))
    return model


def test_segmentor_trains_with_segments():
    model = spread_model().train()
    losses = model.loss(**model.data_preprocessor(panoptic_images((64, 96), (60, 75)), True))
    assert {name.removeprefix('decode.') for name in losses} == LOSSES
    assert all(value.isfinite() for value in losses.values())


@pytest.mark.parametrize('postprocess', ['after', 'before'])
def test_segmentor_predicts(postprocess):
    """Scores are the probability of each class; segments and objects come from the same slots."""
    model = spread_model(test_cfg={**PANOPTIC, 'postprocess': postprocess})
    batch = images((60, 75), (64, 96))
    with torch.no_grad():
        results = model.test_step(batch)
    for result, size in zip(results, [(60, 75), (64, 96)]):
        scores = result.seg_logits.data
        assert result.pred_sem_seg.data.shape == (1, *size)
        assert scores.min() >= 0
        assert scores.sum(0).max() < 1.1  # at most 1 but for upsampling
        assert result.pred_panoptic_seg.data.shape == (1, *size)
        assert result.pred_segments_info
        assert len(result.pred_instances.masks) == 6


def test_segmentor_asks_the_head_for_segments():
    """With void by the threshold of pixels, which MaskFormer's inference does not have."""
    model, image = spread_model(test_cfg=PANOPTIC), torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        (result,) = model(image, mode='predict')
        prediction = model.decode_head.predict_masks(model.extract_feat(image))
    size = OutputSize((64, 96), (64, 96), (64, 96))
    one = MaskPrediction(*(part[0] for part in prediction))
    expected = max_deeplab_segments(one, size, [False, True, False, True], **PANOPTIC['panoptic'])
    assert torch.equal(result.pred_panoptic_seg.data[0], expected.ids)
    assert result.pred_segments_info == expected.segments_info
    assert 0 in expected.ids
    assert len(expected.segments_info) > 1


def test_configs_are_there():
    assert {path.parent.name for path in LEAVES} == {'camvid', 'max_deeplab', 'toy'}


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_config_is_its_counterpart_but_for_the_head(path):
    """Same backbone, decoders, data and schedule; the things are those of the data set."""
    cfg = Config.fromfile(path)
    folder = 'maskformer' if path.parent.name == 'max_deeplab' else path.parent.name
    other = Config.fromfile(CONFIGS / folder / path.name.replace('max_deeplab', 'maskformer'))
    init_default_scope(cfg.default_scope)
    ours, theirs = cfg.model.decode_head, other.model.decode_head
    assert ours.pop('type') == 'mmmaskformer.MaXDeepLabHead'
    assert theirs.pop('type') == 'mmmaskformer.MaskFormerHead'
    criterion = ours.pop('criterion', None)
    slots = (ours.pop('num_queries'), theirs.pop('num_queries'))
    assert slots == ((128, 100) if folder == 'maskformer' else (slots[1], slots[1]))
    assert ours == theirs
    for key in ('backbone', 'data_preprocessor'):
        assert cfg.model[key] == other.model[key]
    for key in ('train_dataloader', 'val_dataloader', 'optim_wrapper', 'param_scheduler', 'randomness'):
        assert cfg.get(key) == other.get(key)
    if 'panoptic' in path.stem:
        dataset = DATASETS.build({**cfg.val_dataloader.dataset, 'lazy_init': True, 'pipeline': []})
        names, things = dataset.metainfo['classes'], set(dataset.metainfo['thing_classes'])
        indices = [i for i, name in enumerate(names) if name in things]
        assert criterion.loss_instance.thing_classes == indices
