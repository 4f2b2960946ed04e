"""One model, three kinds of results; one loss, whatever the supervision."""

from __future__ import annotations

import pytest
import torch
from small_models import images, panoptic_images, small_model

META = dict(classes=('a', 'b', 'c', 'd'), thing_classes=('b', 'c'))
EVERYTHING = dict(mode='whole', panoptic=dict(score_thr=0.2, overlap_thr=0.0), instance=dict(max_per_image=6))


def model_of(test_cfg: dict = EVERYTHING):
    torch.manual_seed(1)
    model = small_model(test_cfg=test_cfg)
    with torch.no_grad():  # spread what is predicted: classes and masks of queries differ
        model.decode_head.class_embed.weight.mul_(6)
        model.decode_head.mask_embed[-1].weight.mul_(8)
    model.dataset_meta = META
    return model


def predict(model, batch: dict) -> list:
    with torch.no_grad():
        return model.test_step(dict(batch))


def test_three_results_of_one_prediction_at_the_original_sizes():
    batch = images((60, 75), (64, 96))
    batch['data_samples'][0].set_metainfo(dict(ori_shape=(121, 149)))
    for result, size in zip(predict(model_of(), batch), [(121, 149), (64, 96)]):
        assert result.pred_sem_seg.data.shape == (1, *size)
        ids = result.pred_panoptic_seg.data
        assert ids.shape == (1, *size)
        assert ids.dtype == torch.int32
        listed = [segment['id'] for segment in result.pred_segments_info]
        assert listed == list(range(1, len(listed) + 1))
        assert set(ids.unique().tolist()) <= {0, *listed}
        assert [s['isthing'] for s in result.pred_segments_info] == [
            s['category_id'] in (1, 2) for s in result.pred_segments_info
        ]
        assert listed, 'nothing was predicted, and so nothing tested'
        found = result.pred_instances
        assert found.masks.shape == (6, *size)
        assert set(found.labels.tolist()) <= {1, 2}
        assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)


def test_semantic_results_are_those_of_a_semantic_model():
    """Asking for more changes nothing in what was there before."""
    batch = images((60, 75), (33, 64))
    plain = model_of(dict(mode='whole'))
    together = predict(model_of(), batch)
    for result, expected in zip(together, predict(plain, batch)):
        torch.testing.assert_close(result.seg_logits.data, expected.seg_logits.data, rtol=1e-5, atol=1e-6)
        assert 'pred_panoptic_seg' not in expected


@pytest.mark.parametrize('postprocess', ['after', 'before'])
def test_batch_of_different_sizes_equals_single_images_exactly(postprocess):
    model = model_of({**EVERYTHING, 'postprocess': postprocess})
    batch = images((60, 75), (33, 64), (64, 128))
    singles = [
        predict(model, {key: [values[i].clone()] for key, values in batch.items()})[0] for i in range(3)
    ]
    for together, single in zip(predict(model, batch), singles):
        assert torch.equal(together.seg_logits.data, single.seg_logits.data)
        assert torch.equal(together.pred_panoptic_seg.data, single.pred_panoptic_seg.data)
        assert together.pred_segments_info == single.pred_segments_info
        assert torch.equal(together.pred_instances.masks, single.pred_instances.masks)


def test_order_of_segments_does_not_change_the_losses():
    model, batch = model_of().train(), panoptic_images((64, 96), (60, 75))
    turned = dict(inputs=batch['inputs'], data_samples=[s.clone() for s in batch['data_samples']])
    for sample in turned['data_samples']:
        sample.gt_segments_info = sample.gt_segments_info[::-1]
    losses, others = (model.loss(**model.data_preprocessor(b, training=True)) for b in (batch, turned))
    for key, value in losses.items():
        torch.testing.assert_close(value, others[key], rtol=1e-5, atol=1e-6)


def test_only_the_supervision_differs():
    """A label map and the same map as segments give the same losses."""
    model, batch = model_of().train(), images((64, 96), (60, 75))
    as_segments = dict(inputs=[p.clone() for p in batch['inputs']], data_samples=[])
    for sample in batch['data_samples']:
        labeled = panoptic_images(tuple(sample.gt_sem_seg.shape))['data_samples'][0]
        labeled.gt_panoptic_seg.data = (sample.gt_sem_seg.data + 1).to(torch.uint8)
        labeled.gt_segments_info = [dict(id=label + 1, category_id=label) for label in range(4)]
        as_segments['data_samples'].append(labeled)
    losses, others = (model.loss(**model.data_preprocessor(b, training=True)) for b in (batch, as_segments))
    for key, value in losses.items():
        torch.testing.assert_close(value, others[key])


def test_a_class_out_of_range_is_named():
    model, batch = model_of().train(), panoptic_images((64, 64))
    batch['data_samples'][0].gt_segments_info[2]['category_id'] = 4
    batch['data_samples'][0].set_metainfo(dict(seg_map_path='ids.png'))
    with pytest.raises(ValueError, match=r'ids.png: segment 3 has class 4.*num_classes=4.*categories'):
        model.loss(**model.data_preprocessor(batch, training=True))


def test_more_segments_than_queries():
    model, batch = model_of().train(), panoptic_images((64, 64), num_segments=8)
    with pytest.raises(ValueError, match='num_queries'):
        model.loss(**model.data_preprocessor(batch, training=True))


def test_three_hundred_segments():
    """Stripes of two pixels: more segments than eight bits count, and each is matched."""
    torch.manual_seed(0)
    model = small_model(decode_head=dict(num_queries=300)).train()
    batch = panoptic_images((32, 608), num_segments=300)
    stripes = torch.arange(608).div(2, rounding_mode='floor').clamp(max=299) + 1
    batch['data_samples'][0].gt_panoptic_seg.data = stripes.int().expand(1, 32, -1).contiguous()
    prepared = model.data_preprocessor(batch, training=True)
    (segments,) = (model.decode_head._segments(sample) for sample in prepared['data_samples'])
    assert segments.masks.flatten(1).sum(1).tolist() == [64] * 299 + [64 + 32 * 8]
    total, _ = model.parse_losses(model.loss(**prepared))
    total.backward()
    assert total.isfinite()


def test_things_must_be_known():
    model = model_of()
    model.dataset_meta = dict(classes=('a', 'b', 'c', 'd'))
    with pytest.raises(ValueError, match='which classes are things'):
        predict(model, images((64, 64)))


def test_without_samples():
    results = model_of()(torch.randn(2, 3, 64, 96), mode='predict')
    assert results[1].pred_panoptic_seg.data.shape == (1, 64, 96)


def test_flipped_images_have_semantic_results():
    batch = images((64, 96))
    batch['data_samples'][0].set_metainfo(dict(flip=True, flip_direction='horizontal'))
    (result,) = predict(model_of(), batch)
    assert 'pred_sem_seg' in result
    assert 'pred_panoptic_seg' not in result


@pytest.mark.parametrize(
    ('test_cfg', 'message'),
    [
        (dict(mode='whole', panoptics=dict()), "unknown setting 'panoptics'"),
        (
            dict(mode='whole', instance=dict(score_threshold=0.5)),
            r"instance has an unknown setting 'score_threshold': known are \['max_per_image', 'score_thr', ",
        ),
        (dict(mode='whole', panoptic=dict(pixel_thr=0.4)), "panoptic has an unknown setting 'pixel_thr'"),
        (dict(mode='whole', general=dict(void=3)), "general has an unknown setting 'void'"),
        (dict(mode='whole', instance=True), 'instance is True: set it to a dict'),
        (dict(mode='whole', postprocess='later'), "postprocess is 'later'"),
        (dict(mode='slide', crop_size=(64, 64), stride=(32, 32), panoptic=dict()), "set mode='whole'"),
    ],
)
def test_mistakes_in_test_cfg(test_cfg, message):
    with pytest.raises(ValueError, match=message):
        small_model(test_cfg=test_cfg)


def test_semantic_results_may_be_left_out():
    (result,) = predict(model_of({**EVERYTHING, 'semantic': False}), images((64, 64)))
    assert 'pred_sem_seg' not in result
    assert 'pred_instances' in result


def test_sizes_that_are_no_multiple_of_four():
    """COCO images are not padded: 61 x 75 pixels have masks of 16 x 19."""
    model = model_of({**EVERYTHING, 'postprocess': 'before'})
    model.data_preprocessor.size_divisor = 1
    (result,) = predict(model, images((61, 75)))
    assert result.pred_panoptic_seg.data.shape == (1, 61, 75)
    losses = model.train().loss(**model.data_preprocessor(panoptic_images((61, 75), (40, 33)), True))
    assert all(value.isfinite() for value in losses.values())


@pytest.mark.parametrize('alone', ['panoptic', 'instance'])
def test_masks_of_wanted_queries_alone_give_the_same_results(alone):
    batch = images((60, 75), (33, 64))
    settings = dict(mode='whole', semantic=False, **{alone: EVERYTHING[alone]})
    for result, expected in zip(predict(model_of(settings), batch), predict(model_of(), batch)):
        assert 'pred_sem_seg' not in result
        if alone == 'panoptic':
            assert torch.equal(result.pred_panoptic_seg.data, expected.pred_panoptic_seg.data)
            assert [s['category_id'] for s in result.pred_segments_info] == [
                s['category_id'] for s in expected.pred_segments_info
            ]
        else:
            assert torch.equal(result.pred_instances.labels, expected.pred_instances.labels)
            assert torch.equal(result.pred_instances.masks, expected.pred_instances.masks)


def test_no_query_sure_enough_is_void_everywhere():
    settings = dict(
        mode='whole', semantic=False, panoptic=dict(score_thr=0.9999), instance=dict(score_thr=0.9999)
    )
    (result,) = predict(model_of(settings), images((60, 75)))
    assert not result.pred_panoptic_seg.data.any()
    assert result.pred_segments_info == []
    assert len(result.pred_instances) == 0


@pytest.mark.parametrize('postprocess', ['after', 'before'])
def test_label_maps_are_the_same_without_scores(postprocess):
    batch = images((60, 75), (64, 96))
    batch['data_samples'][0].set_metainfo(dict(ori_shape=(121, 149)))
    with_scores = predict(model_of(dict(mode='whole', postprocess=postprocess)), batch)
    labels_alone = predict(model_of(dict(mode='whole', postprocess=postprocess, seg_logits=False)), batch)
    for result, expected in zip(labels_alone, with_scores):
        assert 'seg_logits' not in result
        assert torch.equal(result.pred_sem_seg.data, expected.pred_sem_seg.data)
