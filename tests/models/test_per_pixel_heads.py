from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from mmengine.analysis import get_model_complexity_info
from small_models import HEAD, features, images, panoptic_images, sample, small_head, small_model
from torch import nn

from mmmaskformer.evaluation import SemanticPanopticQuality
from mmmaskformer.registry import MODELS

PIXELS = {key: HEAD[key] for key in ('in_channels', 'num_classes', 'pixel_decoder')}
PLAIN = dict(type='mmmaskformer.PerPixelBaselineHead', **PIXELS)
PLUS = dict(
    type='mmmaskformer.PerPixelBaselinePlusHead', transformer_decoder=HEAD['transformer_decoder'], **PIXELS
)
SEGMENTORS = ['mmmaskformer.MaskFormer', 'EncoderDecoder']


@pytest.fixture(params=[PLAIN, PLUS], ids=['plain', 'plus'])
def head_cfg(request) -> dict:
    return request.param


def build(cfg: dict, **changes) -> nn.Module:
    return MODELS.build({**cfg, **changes})


def model_of(cfg: dict, segmentor: str = SEGMENTORS[0], **changes) -> nn.Module:
    return small_model(segmentor, decode_head=cfg, **changes)


def predict(model, batch: dict) -> list:
    with torch.no_grad():
        return model.test_step(dict(batch))


def test_losses_of_each_layer_by_plain_upsampling(head_cfg):
    head, inputs = build(head_cfg), features()
    label_maps = torch.randint(0, 4, (2, 64, 96))
    label_maps[0, :, :20] = 255
    losses = head.loss(inputs, [sample(label_map) for label_map in label_maps])
    names = ['loss_ce'] if head_cfg is PLAIN else ['d0.loss_ce', 'loss_ce']
    assert list(losses) == names
    for name, logits in zip(names, head(inputs)):
        assert logits.shape == (2, 4, 16, 24)
        upsampled = F.interpolate(logits, size=(64, 96), mode='bilinear', align_corners=False)
        torch.testing.assert_close(losses[name], F.cross_entropy(upsampled, label_maps, ignore_index=255))
    assert torch.equal(head.predict_logits(inputs), head(inputs)[-1])


def test_every_pixel_ignored(head_cfg):
    head = build(head_cfg)
    losses = head.loss(features(), [sample(torch.full((64, 96), 255))] * 2)
    total = sum(losses.values())
    assert total == 0
    total.backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, f'{name} is not part of the loss'
        assert (parameter.grad == 0).all()


def test_one_query_for_each_class():
    head = build(PLUS, num_classes=6)
    assert head.transformer_decoder.query_embed.weight.shape == (6, 16)
    assert not hasattr(head, 'class_embed')
    with pytest.raises(TypeError, match="unexpected keyword argument 'num_queries'"):
        build(PLUS, num_queries=100)


def test_label_out_of_range_is_the_error_of_mask_classification(head_cfg):
    label_map = torch.randint(0, 4, (64, 96))
    label_map[5, 7] = 9
    messages = []
    for head in (build(head_cfg), small_head()):
        with pytest.raises(ValueError, match=r'label 9 .*num_classes=4.*is at least 10') as caught:
            head.loss(features(1), [sample(label_map, seg_map_path='annotations/7.png')])
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    ('changes', 'error', 'message'),
    [
        (dict(in_index=[0, 1, 2, 3]), TypeError, "unexpected keyword argument 'in_index'"),
        (dict(criterion=dict()), TypeError, "unexpected keyword argument 'criterion'"),
        (dict(ignore_index=3), ValueError, 'ignore_index=3 is one of the 4 classes'),
        (dict(num_classes=1), ValueError, 'num_classes=1: .*set num_classes=2'),
    ],
)
def test_mistakes_in_settings(head_cfg, changes, error, message):
    with pytest.raises(error, match=message):
        build(head_cfg, **changes)


def test_segments_are_no_label_map(head_cfg):
    model = model_of(head_cfg).train()
    with pytest.raises(ValueError, match=r'Head learns from label maps .* no gt_sem_seg'):
        model.loss(**model.data_preprocessor(panoptic_images((64, 64)), training=True))


def test_checkpoint_of_other_classes(head_cfg):
    state = build(head_cfg, num_classes=6).state_dict()
    with pytest.raises(ValueError, match='trained on 6 classes, this model has num_classes=4'):
        build(head_cfg).load_state_dict(state)
    willing = build(head_cfg, allow_class_mismatch=True)
    missing, unexpected = willing.load_state_dict(state, strict=False)
    assert set(missing) == set(willing.class_rows) & set(state)
    assert not unexpected


@pytest.mark.parametrize('segmentor', SEGMENTORS)
def test_training_step(head_cfg, segmentor):
    model = model_of(head_cfg, segmentor).train()
    losses = model.loss(**model.data_preprocessor(images((64, 96), (60, 75)), training=True))
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    assert 'decode.loss_ce' in losses
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize('segmentor', SEGMENTORS)
def test_prediction_by_hand(head_cfg, segmentor):
    """Logits upsampled to the padded input, cropped, resized to the original: no softmax on the way."""
    model = model_of(head_cfg, segmentor)
    batch = images((60, 75))
    batch['data_samples'][0].set_metainfo(dict(ori_shape=(121, 149)))
    (result,) = predict(model, batch)
    with torch.no_grad():
        inputs = model.data_preprocessor(batch, False)['inputs']
        logits = model.decode_head(model.extract_feat(inputs))[-1]
    assert inputs.shape[-2:] == (64, 96)
    padded = F.interpolate(logits, size=(64, 96), mode='bilinear', align_corners=False)
    expected = F.interpolate(padded[..., :60, :75], size=(121, 149), mode='bilinear', align_corners=False)
    torch.testing.assert_close(result.seg_logits.data, expected[0], rtol=1e-5, atol=1e-5)
    assert torch.equal(result.pred_sem_seg.data, expected.argmax(1))


@pytest.mark.parametrize('segmentor', SEGMENTORS)
def test_slide(head_cfg, segmentor):
    slide = dict(mode='slide', crop_size=(64, 64), stride=(32, 32))
    model, whole = model_of(head_cfg, segmentor, test_cfg=slide), model_of(head_cfg, segmentor)
    whole.load_state_dict(model.state_dict())
    one_window = images((64, 64))
    torch.testing.assert_close(
        predict(model, one_window)[0].seg_logits.data, predict(whole, one_window)[0].seg_logits.data
    )
    assert predict(model, images((70, 101)))[0].pred_sem_seg.data.shape == (1, 70, 101)


def test_a_batch_of_different_sizes_equals_single_images(head_cfg):
    model = model_of(head_cfg)
    batch = images((60, 75), (33, 64))
    singles = [
        predict(model, {key: [values[i].clone()] for key, values in batch.items()})[0] for i in range(2)
    ]
    for together, single in zip(predict(model, batch), singles):
        assert torch.equal(together.seg_logits.data, single.seg_logits.data)


def test_tensor_mode_and_flops(head_cfg):
    model = model_of(head_cfg)
    assert model(torch.randn(1, 3, 64, 64), mode='tensor')[-1].shape == (1, 4, 16, 16)
    model.forward = model._forward
    assert get_model_complexity_info(model, (3, 64, 64), show_table=False, show_arch=False)['flops'] > 1e6


def test_quality_of_semantic_segments(head_cfg):
    """PQ^St counts the label maps: a prediction against itself is perfect, against another map it is not."""
    model, batch = model_of(head_cfg), images((60, 75), (64, 96))
    for i, labeled in enumerate(batch['data_samples']):
        labeled.set_metainfo(dict(img_id=i))
    metric = SemanticPanopticQuality()
    metric.dataset_meta = dict(classes=tuple('abcd'))
    qualities = []
    for _ in range(2):
        results = predict(model, batch)
        metric.process({}, [result.to_dict() for result in results])
        qualities.append(metric.evaluate(2)['PQ_sem'])
        for sample_, result in zip(batch['data_samples'], results):
            sample_.gt_sem_seg.data = result.pred_sem_seg.data.clone()
    assert qualities[0] < qualities[1] == pytest.approx(100)


def test_weights_of_the_classifier():
    """He's normal weights by what goes out, as the official code, and no bias."""
    head = build(PLAIN, num_classes=200)
    head.init_weights()
    assert head.classifier.weight.std().item() == pytest.approx((2 / 200) ** 0.5, rel=0.05)
    assert (head.classifier.bias == 0).all()


def test_a_classifier_for_the_classes_of_queries_is_refused():
    with pytest.raises(ValueError, match='MaskPooledClassifier adds to the class logits of queries'):
        build(PLUS, auxiliary_classifier=dict(type='mmmaskformer.MaskPooledClassifier'))


def test_an_auxiliary_classifier_learns_beside_the_queries():
    torch.manual_seed(0)
    head = build(PLUS, auxiliary_classifier=dict(type='mmmaskformer.AuxiliaryPixelClassifier')).eval()
    inputs, label_maps = features(), torch.randint(0, 4, (2, 64, 96))
    label_maps[1, 30:] = 255
    losses = head.loss(inputs, [sample(label_map) for label_map in label_maps])
    assert list(losses) == ['d0.loss_ce', 'loss_ce', 'loss_pixel']
    logits = head.auxiliary_classifier.classifier(head.pixel_decoder(inputs).mask_features)
    at_stride_4 = F.interpolate(label_maps[:, None].float(), size=(16, 24), mode='nearest')[:, 0].long()
    of_images = [
        F.cross_entropy(*pair, ignore_index=255) for pair in zip(logits[:, None], at_stride_4[:, None])
    ]
    torch.testing.assert_close(losses['loss_pixel'], sum(of_images) / 2)
    plain = build(PLUS).eval()
    missing, unexpected = plain.load_state_dict(head.state_dict(), strict=False)
    assert missing == []
    assert {key.partition('.')[0] for key in unexpected} == {'auxiliary_classifier'}
    without = plain.loss(inputs, [sample(label_map) for label_map in label_maps])
    torch.testing.assert_close(without['loss_ce'], losses['loss_ce'], rtol=0, atol=0)
