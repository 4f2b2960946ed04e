from __future__ import annotations

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from small_models import PREPROCESSOR, images, small_model

from mmmaskformer.models import MaskFormerTTAModel


def predict(model, batch: dict) -> list:
    with torch.no_grad():
        return model.test_step(dict(batch))


def alone(batch: dict, i: int) -> dict:
    return {key: [values[i].clone()] for key, values in batch.items()}


def test_batch_of_different_sizes_equals_single_images_exactly():
    model = small_model()
    batch = images((60, 75), (33, 64), (96, 64), (64, 128))
    singles = [predict(model, alone(batch, i))[0] for i in range(4)]
    for together, single in zip(predict(model, batch), singles):
        assert torch.equal(together.seg_logits.data, single.seg_logits.data)
        assert torch.equal(together.pred_sem_seg.data, single.pred_sem_seg.data)


def test_batch_of_one_padded_size_equals_single_images():
    """Up to the order of sums, which depends on the number of images that run together."""
    model = small_model()
    batch = images((60, 75), (61, 90), (64, 96))
    for i, together in enumerate(predict(model, batch)):
        single = predict(model, alone(batch, i))[0]
        torch.testing.assert_close(together.seg_logits.data, single.seg_logits.data, rtol=1e-5, atol=1e-6)
        assert torch.equal(together.pred_sem_seg.data, single.pred_sem_seg.data)


def test_padding_matters_without_the_grouping():
    """Or else the two tests above would show nothing."""
    plain = small_model('EncoderDecoder')
    batch = images((64, 96), (33, 64))
    together, single = predict(plain, batch)[1], predict(plain, alone(batch, 1))[0]
    assert (together.seg_logits.data - single.seg_logits.data).abs().max() > 1e-4


def test_results_have_the_original_sizes():
    batch = images((60, 75), (64, 96))
    batch['data_samples'][0].set_metainfo(dict(ori_shape=(121, 149)))
    first, second = predict(small_model(), batch)
    assert first.pred_sem_seg.data.shape == (1, 121, 149)
    assert first.seg_logits.data.shape == (4, 121, 149)
    assert second.pred_sem_seg.data.shape == (1, 64, 96)
    assert 0 <= second.seg_logits.data.min() <= second.seg_logits.data.max() <= 7


@pytest.mark.parametrize('segmentor', ['mmmaskformer.MaskFormer', 'EncoderDecoder'])
def test_whole_inference_is_aligned_with_the_image(segmentor):
    """Flipping an image of the padded size flips what is predicted: nothing is shifted by resizing."""
    model = small_model(segmentor)
    batch = images((64, 96))
    turned = dict(inputs=[batch['inputs'][0].flip(2)], data_samples=[batch['data_samples'][0].clone()])
    straight, mirrored = predict(model, batch)[0], predict(model, turned)[0]
    assert straight.seg_logits.data.shape == mirrored.seg_logits.data.shape == (4, 64, 96)


@pytest.mark.parametrize('segmentor', ['mmmaskformer.MaskFormer', 'EncoderDecoder'])
def test_slide_inference(segmentor):
    slide = dict(mode='slide', crop_size=(64, 64), stride=(32, 32))
    model = small_model(segmentor, test_cfg=slide)
    one_window = images((64, 64))
    whole = small_model(segmentor)
    whole.load_state_dict(model.state_dict())
    torch.testing.assert_close(
        predict(model, one_window)[0].seg_logits.data, predict(whole, one_window)[0].seg_logits.data
    )
    assert predict(model, images((70, 101)))[0].pred_sem_seg.data.shape == (1, 70, 101)


@pytest.mark.parametrize('segmentor', ['mmmaskformer.MaskFormer', 'EncoderDecoder'])
def test_training_step(segmentor):
    model = small_model(segmentor).train()
    losses = model.loss(**model.data_preprocessor(images((64, 96), (60, 75)), training=True))
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite()
    assert 'decode.d0.loss_dice' in losses


def test_unpadded_input_without_samples():
    results = small_model()(torch.randn(2, 3, 64, 96), mode='predict')
    assert results[0].pred_sem_seg.data.shape == (1, 64, 96)


def test_preprocessor_without_samples_and_with_unequal_sizes():
    batch = small_model().data_preprocessor(dict(inputs=images((30, 40), (33, 20))['inputs']))
    assert batch['inputs'].shape == (2, 3, 64, 64)
    assert batch['data_samples'] is None


def test_tensor_mode_and_flops():
    from mmengine.analysis import get_model_complexity_info

    model = small_model()
    layers = model(torch.randn(1, 3, 64, 64), mode='tensor')
    assert layers[-1].mask_logits.shape == (1, 7, 16, 16)
    model.forward = model._forward
    assert get_model_complexity_info(model, (3, 64, 64), show_table=False, show_arch=False)['flops'] > 1e6


@pytest.mark.parametrize('value', [0, 200, 65535])
def test_padding_with_a_label_that_is_not_ignored(value):
    with pytest.raises(
        ValueError, match=rf'seg_pad_val is {value}, but decode_head\.ignore_index 255: leave'
    ):
        small_model(data_preprocessor={**PREPROCESSOR, 'seg_pad_val': value})


@pytest.mark.parametrize('preprocessor', ['mmmaskformer.MaskFormerDataPreProcessor', 'SegDataPreProcessor'])
@pytest.mark.parametrize('head', [dict(num_classes=300), dict(ignore_index=9), dict(num_classes=255)])
def test_batches_are_padded_with_the_ignored_label(head, preprocessor):
    model = small_model(
        decode_head=head, data_preprocessor={**PREPROCESSOR, 'type': preprocessor, 'size_divisor': 32}
    )
    ignored = 9 if 'ignore_index' in head else {300: 65535, 255: 255}[head['num_classes']]
    batch = images((64, 50), (64, 64))
    for sample in batch['data_samples']:
        sample.gt_sem_seg.data = sample.gt_sem_seg.data.int()
    padded = model.data_preprocessor(batch, training=True)['data_samples'][0].gt_sem_seg.data
    assert padded[..., 50:].unique().tolist() == [ignored]
    assert model.decode_head.ignore_index == ignored


def test_tta_averages_scores_as_they_are():
    def copy(values):
        return SegDataSample(seg_logits=PixelData(data=torch.tensor(values).view(2, 1, 1)))

    tta = MaskFormerTTAModel(module=small_model())
    (merged,) = tta.merge_preds([[copy([0.9, 0.1]), copy([0.3, 0.6])]])
    torch.testing.assert_close(merged.seg_logits.data.flatten(), torch.tensor([0.6, 0.35]))
    assert merged.pred_sem_seg.data.flatten().tolist() == [0]
