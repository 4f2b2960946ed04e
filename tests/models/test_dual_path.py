"""MaX-DeepLab's own network: ways to run, settings, batches; test_golden_max_deeplab.py has the numbers."""

from __future__ import annotations

import pytest
import torch
from dual_path_models import BACKBONE, HEAD
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from small_models import PREPROCESSOR, images, panoptic_images, sample, spread_running_statistics
from torch import nn

from mmmaskformer.functional.fast_paths import plain_functions
from mmmaskformer.functional.grid_resizing import resize_on_grid
from mmmaskformer.functional.resizing import OutputSize, RowResizer, resize_masks
from mmmaskformer.functional.slot_targets import targets_of_ids
from mmmaskformer.models.backbones.decoder_path import decoder_path
from mmmaskformer.models.layers import axial_attention
from mmmaskformer.registry import MODELS

PANOPTIC = dict(mode='whole', panoptic=dict(score_thr=0.2, thing_area=4, stuff_area=4))
LOSSES = {f'decode.loss_{name}' for name in ('cls', 'dice', 'mask_id', 'instance', 'semantic')}


def model_of(backbone: dict | None = None, head: dict | None = None, **changes) -> nn.Module:
    torch.manual_seed(0)
    init_default_scope('mmseg')
    config = dict(
        type='mmmaskformer.MaskFormer',
        data_preprocessor={**PREPROCESSOR, 'size_divisor': 1},
        backbone={**BACKBONE, **(backbone or {})},
        decode_head={**HEAD, **(head or {})},
        test_cfg=PANOPTIC,
    )
    model = MODELS.build(ConfigDict({**config, **changes}))
    spread_running_statistics(model)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # branches begin at zero
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.running_var, 2.0, 4.0)
    nn.init.normal_(model.decode_head.class_embed.weight, std=2.0)
    model.dataset_meta = dict(classes=('a', 'b', 'c', 'd'), thing_classes=('b', 'd'))
    return model.eval()


def losses_of(model: nn.Module, batch: dict) -> dict:
    return model.loss(**model.data_preprocessor(batch, True))


def test_grid_of_pixels():
    """Pixel i lies on pixel 4 i; rows beyond the last one repeat it."""
    maps = torch.arange(3.0).expand(1, 1, 2, 3)
    found = resize_on_grid(maps, (6, 12), 4)[0, 0]
    assert found[0].tolist() == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2, 2, 2]
    assert torch.equal(found[0], found[5])
    logits = torch.randn(3, 5, 7)
    size = OutputSize((18, 25), (17, 22), (30, 40), mask_stride=4)
    rows = RowResizer(5, size)
    part = logits.permute(1, 2, 0)[slice(*rows.sources(3, 20))]
    torch.testing.assert_close(rows.resize(part, 3, 20).permute(2, 0, 1), resize_masks(logits, size)[:, 3:20])


def test_chunks_and_kernels_equal_the_plain_functions(monkeypatch):
    model, image = model_of(), torch.randn(1, 3, 65, 97)
    monkeypatch.setitem(axial_attention.CHUNK_SCORES, 'cpu', 1)  # a row at a time
    with torch.no_grad():
        fast = model.decode_head.predict_masks(model.extract_feat(image))
        with plain_functions():
            plain = model.decode_head.predict_masks(model.extract_feat(image))
    for one, other in zip(fast, plain):
        assert (one - other).abs().max() <= 1e-4 * other.abs().max()


def test_batch_of_two_sizes_equals_single_images():
    model, sizes = model_of(), [(65, 97), (50, 80)]
    batch = images(*sizes)
    with torch.no_grad():
        together = model.test_step(batch)
        for k, result in enumerate(together):
            (alone,) = model.test_step(
                dict(inputs=[batch['inputs'][k]], data_samples=[images(sizes[k])['data_samples'][0]])
            )
            torch.testing.assert_close(result.seg_logits.data, alone.seg_logits.data, rtol=1e-4, atol=1e-5)
            assert torch.equal(result.pred_panoptic_seg.data, alone.pred_panoptic_seg.data)
            assert result.pred_sem_seg.data.shape == (1, *sizes[k])


@pytest.mark.parametrize('batch', [images((64, 96), (50, 70)), panoptic_images((64, 96), (50, 70))])
def test_trains_with_labels_and_with_segments(batch):
    model = model_of().train()
    losses = losses_of(model, batch)
    assert set(losses) == LOSSES
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_an_image_without_segments():
    model = model_of().train()
    batch = dict(images((64, 96), (64, 96)))
    batch['data_samples'] = [sample(torch.full((64, 96), 255)) for _ in range(2)]
    losses = losses_of(model, batch)
    sum(losses.values()).backward()
    assert all(value.isfinite() for value in losses.values())
    assert losses['decode.loss_instance'] == losses['decode.loss_semantic'] == 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_bfloat16():
    model = model_of().train()
    with torch.autocast('cpu', torch.bfloat16):
        losses = losses_of(model, panoptic_images((64, 96), (64, 96)))
    sum(losses.values()).backward()
    assert all(value.dtype == torch.float32 and value.isfinite() for value in losses.values())
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_checkpointing_gives_the_same_gradients():
    found, batch = [], panoptic_images((64, 96), (64, 96))
    for with_cp in (False, True):
        model = model_of(with_cp=with_cp).train()
        sum(losses_of(model, batch).values()).backward()
        gradient = torch.cat([p.grad.flatten() for p in model.parameters()])
        statistics = model.backbone.stages['5'].blocks[0].height_axis.norm_logits.running_mean
        found.append((gradient, statistics))
    torch.testing.assert_close(*found)


def test_settings_that_do_not_fit():
    with pytest.raises(ValueError, match=r'only 3 mask slots: set backbone.num_slots'):
        losses_of(model_of(dict(num_slots=3)), panoptic_images((64, 96)))
    with pytest.raises(ValueError, match=r'cannot be normalized with a batch of one'):
        losses_of(model_of().train(), panoptic_images((64, 96)))
    with pytest.raises(ValueError, match=r'num_slots=9 with stored_slots=4'):
        model_of(dict(num_slots=9, stored_slots=4))
    with pytest.raises(ValueError, match=r'key_channels=12, which num_heads=8 does not divide'):
        model_of(dict(base_channels=3))
    with pytest.raises(ValueError, match=r'backbone_stacks=1 with extra_stacks=0'):
        model_of(dict(backbone_stacks=1))
    with pytest.raises(ValueError, match=r"test_cfg.panoptic has an unknown setting 'overlap_thr'"):
        model_of(test_cfg=dict(panoptic=dict(overlap_thr=0.5)))
    with pytest.raises(ValueError, match=r'trained on 6 classes, this model has num_classes=4'):
        model_of().load_state_dict(model_of(head=dict(num_classes=6)).state_dict())


def test_stacked_decoder():
    """The decoder of MaX-DeepLab-L goes to stride 4 three times; what follows the first stack is extra."""
    path = decoder_path(1, 1)
    assert [step.stride for step in path] == [8, 4, 8, 16, 8, 4, 8, 16, 8, 4]
    assert [step.in_backbone for step in path] == [True] * 4 + [False] * 6
    assert [step.extra for step in path] == [False] * 3 + [True] * 7
    wide = dict(wide=True, memory_stride=16, backbone_stacks=1, extra_stacks=1, transformer_channels=16)
    model = model_of(wide, dict(in_channels=[16, 32, 16, 16, 12], pool_window=3)).train()
    sum(losses_of(model, panoptic_images((65, 97), (65, 97))).values()).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_pixels_of_crowds_have_a_class_but_no_segment():
    ids = torch.zeros(1, 8, 8, dtype=torch.int64)
    ids[..., :4], ids[..., 4:6] = 1, 2
    info = [dict(id=1, category_id=2, isthing=False), dict(id=2, category_id=0, isthing=True, iscrowd=1)]
    targets = targets_of_ids(ids, info, 4, stride=2)
    assert targets.segments.labels.tolist() == [2]
    assert targets.is_thing.tolist() == [False]
    assert targets.classes[0].tolist() == [2, 2, 0, 4]
    assert targets.segments.valid[0].tolist() == [True, True, True, False]
