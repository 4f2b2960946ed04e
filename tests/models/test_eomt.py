"""EoMT: masked attention, losses, other ways to run, results; test_golden_eomt.py has the numbers."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from eomt_models import BACKBONE, eomt
from half_types import HALF_TYPES
from small_models import images, panoptic_images
from torch import nn
from torch._dynamo.testing import CompileCounter
from training_steps import assert_same, kept_bytes, step

from mmmaskformer.functional.mask_factors import LayerwiseFactors
from mmmaskformer.functional.patch_resizing import resize_patch_kernel, resize_position_grid
from mmmaskformer.functional.targets import label_map_to_segments
from mmmaskformer.models.layers import QueryBlock
from mmmaskformer.registry import MODELS

PANOPTIC = dict(
    postprocess='before',
    panoptic=dict(score_thr=0.2, overlap_thr=0.1),
    instance=dict(max_per_image=6, stuff_competes=True),
)


def tokens_of(model: nn.Module, batch: int = 2) -> object:
    torch.manual_seed(2)
    return model.extract_feat(torch.randn(batch, 3, 64, 96))


def check_trains(model: nn.Module, batch: dict) -> dict:
    losses = model.train().loss(**model.data_preprocessor(batch, training=True))
    names = {'loss_cls', 'loss_mask', 'loss_dice'}
    expected = names | {f'd{i}.{name}' for i in range(2) for name in names}
    assert set(losses) == {f'decode.{name}' for name in expected}
    model.parse_losses(losses)[0].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, f'{name} is not part of the loss'
        assert parameter.grad.isfinite().all(), name
    return losses


def test_nothing_hidden_is_the_plain_block():
    block = QueryBlock(16, 4, 32, layer_scale_init_value=0.5).eval()
    tokens = torch.randn(2, 11, 16)
    everything = torch.ones(2, 1, 3, 6, dtype=torch.bool)
    torch.testing.assert_close(block(tokens, everything), block(tokens))


def test_a_query_does_not_see_hidden_patches():
    """Of 11 tokens, 3 queries and 6 patches; the second query sees the first patch alone."""
    block = QueryBlock(16, 4, 32).eval()
    tokens = torch.randn(1, 11, 16)
    visible = torch.ones(1, 1, 3, 6, dtype=torch.bool)
    visible[0, 0, 1, 1:] = False
    changed = tokens.clone()
    changed[:, 6:] = torch.randn(1, 5, 16)
    difference = (block(changed, visible) - block(tokens, visible)).abs().amax(2)[0]
    assert difference[1] < 1e-6
    assert (difference[[0, 2, 3, 4, 5]] > 1e-4).all()


def test_visible_patches_are_those_of_the_resized_masks():
    model = eomt()
    head, features = model.decode_head, tokens_of(model)
    with torch.no_grad():
        (layer, *_) = head._decode(features, every_layer=True)
        masks = F.interpolate(layer.all_logits()[0], features.grid, mode='bilinear', align_corners=False)
        visible = head._visible_patches(layer, features.grid, 1.0)
    assert torch.equal(visible[:, 0], masks.flatten(2) > 0)
    assert 0 < visible.float().mean() < 1


def test_probability_of_masks_in_training():
    """Each query of each image is drawn alone: at 0.3, about seven of ten see everything."""
    head = eomt(decode_head=dict(num_queries=500)).train().decode_head
    layer = head._predict(torch.randn(4, 500 + 3 + 24, 16), (4, 6))
    hidden = ~head._visible_patches(layer, (4, 6), 0.3)
    always = ~head._visible_patches(layer, (4, 6), 1.0)
    part = hidden.any(-1).sum() / always.any(-1).sum()
    assert part.item() == pytest.approx(0.3, abs=0.05)
    assert not (hidden & ~always).any()


def test_prediction_draws_nothing():
    model = eomt()
    head, features = model.decode_head, tokens_of(model)

    def masks(*probabilities: float) -> torch.Tensor:
        head.mask_probabilities = list(probabilities)
        with torch.no_grad():
            return head.predict_masks(features).mask_logits

    assert torch.equal(masks(0.7, 0.6), masks(1.0, 1.0))
    assert torch.equal(masks(0.3, 0.0), masks(0.0, 0.0))
    assert not torch.equal(masks(1.0, 1.0), masks(0.0, 0.0))


def test_prediction_without_masks_predicts_once():
    model, calls = eomt(), []
    head = model.decode_head
    head.upscale.register_forward_hook(lambda *_: calls.append(1))
    for probabilities, number in (([0.0, 0.0], 1), ([0.0, 1.0], 2), ([1.0, 1.0], 3)):
        head.mask_probabilities = probabilities
        calls.clear()
        head.predict_each(tokens_of(model))
        assert len(calls) == number


def test_losses_of_factors_are_those_of_their_products():
    head = eomt().decode_head
    segments = [label_map_to_segments(torch.randint(0, 4, (64, 96)), 4, 255) for _ in range(2)]
    layers = head._decode(tokens_of(eomt()), every_layer=True)
    predictions = [layer.predictions()[0] for layer in layers]
    torch.manual_seed(4)
    whole = head.criterion(predictions, segments)
    torch.manual_seed(4)
    factored = head.criterion(LayerwiseFactors(layers), segments)
    assert_same(factored, whole, 1e-5)


def test_no_segment_in_the_batch():
    batch = images((64, 96), (64, 96))
    for one in batch['data_samples']:
        one.gt_sem_seg.data.fill_(255)
    losses = check_trains(eomt(), batch)
    assert losses['decode.loss_mask'] == losses['decode.loss_dice'] == 0


@pytest.mark.parametrize('dtype', HALF_TYPES)
def test_training_step_under_autocast(dtype):
    with torch.autocast('cpu', dtype=dtype):
        check_trains(eomt(), panoptic_images((64, 96), (60, 75)))


def test_checkpointing_changes_nothing_but_memory():
    plain, lean = eomt(), eomt(with_cp=True)
    batch = images((64, 96), (64, 64))
    assert_same(step(lean, batch), step(plain, batch), 1e-6)
    assert kept_bytes(lean, batch) < 0.85 * kept_bytes(plain, batch)


@pytest.mark.soak
def test_compiled():
    torch._dynamo.reset()
    counter = CompileCounter()
    plain, compiled = (eomt(**changes) for changes in ({}, dict(compile=dict(backend=counter))))
    batch = images((64, 96))
    assert_same(step(compiled, batch), step(plain, batch), 1e-4)
    assert counter.frame_count >= 2  # the backbone, and its blocks with queries
    torch._dynamo.reset()


def test_prediction_does_not_depend_on_the_batch():
    model, batch = eomt(test_cfg=PANOPTIC), images((60, 75), (64, 96), (33, 64))
    with torch.no_grad():
        together = model.test_step(copy.deepcopy(batch))
        alone = [
            model.test_step({key: value[i : i + 1] for key, value in copy.deepcopy(batch).items()})[0]
            for i in range(3)
        ]
    for one, other in zip(together, alone):
        torch.testing.assert_close(one.seg_logits.data, other.seg_logits.data, rtol=1e-4, atol=1e-5)
        assert torch.equal(one.pred_panoptic_seg.data, other.pred_panoptic_seg.data)
        assert one.pred_segments_info
        assert len(one.pred_instances.scores) == len(other.pred_instances.scores) > 0


def test_windows():
    """Of an image twice as wide as the window, the scores of both windows."""
    size = dict(mode='slide', crop_size=(64, 64), stride=(64, 64))
    model, batch = eomt(test_cfg=size), images((64, 128))
    with torch.no_grad():
        found = model.test_step(copy.deepcopy(batch))[0].seg_logits.data
        model.test_cfg = dict(mode='whole')
        half = model.test_step(dict(inputs=[batch['inputs'][0][:, :, :64]], data_samples=None))
    torch.testing.assert_close(found[:, :, :64], half[0].seg_logits.data, rtol=1e-4, atol=1e-5)


def test_state_dict_has_the_probabilities():
    model = eomt()
    model.decode_head.mask_probabilities = [0.25, 1.0]
    state = model.state_dict()
    assert state['decode_head.attn_mask_probs'].tolist() == [0.25, 1.0]
    other = eomt()
    other.load_state_dict(state)
    assert other.decode_head.mask_probabilities == [0.25, 1.0]
    copied = copy.deepcopy(other)
    copied.decode_head.mask_probabilities[0] = 0.0
    assert other.state_dict()['decode_head.attn_mask_probs'].tolist() == [0.25, 1.0]
    state['decode_head.attn_mask_probs'] = torch.ones(3)
    with pytest.raises(ValueError, match='queries in 3 blocks, this model in 2: set num_query_blocks=3'):
        eomt().load_state_dict(state)


def test_checkpoint_of_other_queries_and_classes():
    state = eomt(decode_head=dict(num_queries=9, num_classes=6)).decode_head.state_dict()
    with pytest.raises(ValueError, match='trained on 6 classes, this model has num_classes=4'):
        eomt().decode_head.load_state_dict(state)
    tolerant = eomt(decode_head=dict(allow_class_mismatch=True)).decode_head
    missing, unexpected = tolerant.load_state_dict(state, strict=False)
    assert set(missing) == {'query_embed.weight', 'class_embed.weight', 'class_embed.bias'}
    assert not unexpected


def test_other_grid_patches_and_class_position():
    """A checkpoint with patches of 14, positions 6 x 6, and one for the class token."""
    backbone = MODELS.build(BACKBONE)
    state = backbone.state_dict()
    positions, token = torch.randn(1, 37, 16), torch.randn(1, 1, 16)
    state.update(pos_embed=positions, cls_token=token)
    state['patch_embed.projection.weight'] = kernel = torch.randn(16, 3, 14, 14)
    backbone.load_state_dict(state)
    assert torch.equal(backbone.cls_token, token + positions[:, :1])
    expected = resize_position_grid(positions[:, 1:], (6, 6), (4, 4))
    assert torch.equal(backbone.pos_embed, expected)
    assert torch.equal(backbone.patch_embed.projection.weight, resize_patch_kernel(kernel, 16))


def test_resized_kernel_gives_the_products_of_resized_patches():
    """Patches of 14 resized to 16 lose nothing, so the products are the same; 1 is the mean's factor."""
    kernel, patch = torch.randn(2, 3, 14, 14).double(), torch.randn(1, 3, 14, 14).double()
    resized = F.interpolate(patch, (16, 16), mode='bicubic', antialias=True)
    products = F.conv2d(resized, resize_patch_kernel(kernel, 16))
    torch.testing.assert_close(products, F.conv2d(patch, kernel))


def test_resized_positions_are_in_the_order_of_patches():
    """Columns rise from left to right and rows do not."""
    table = torch.arange(4.0).repeat(4)[None, :, None]
    resized = resize_position_grid(table, (4, 4), (2, 8)).view(2, 8)
    torch.testing.assert_close(resized[0], resized[1])
    assert (resized[0].diff() > 0).all()


def test_other_sizes_interpolate_positions():
    model = eomt()
    assert model.extract_feat(torch.randn(1, 3, 64, 96)).grid == (4, 6)
    with pytest.raises(ValueError, match=r'60 x 96 pixels .* set size_divisor=16'):
        model.extract_feat(torch.randn(1, 3, 60, 96))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(backbone=dict(num_query_blocks=5)), 'num_query_blocks=5, but the backbone has 4 blocks'),
        (dict(backbone=dict(arch='tiny')), "unknown arch 'tiny': expected one of"),
        (dict(backbone=dict(img_size=60)), 'cannot be cut into patches of 16'),
    ],
)
def test_settings_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        eomt(**changes)


def test_blocks_of_head_and_backbone_agree():
    model = eomt(backbone=dict(num_query_blocks=3))
    with pytest.raises(ValueError, match=r'num_query_blocks=2, but backbone.num_query_blocks=3'):
        model.decode_head(tokens_of(model))


def test_giant_has_gates():
    arch = dict(BACKBONE['arch'], ffn_type='swiglu_fused')
    names = eomt(backbone=dict(arch=arch)).state_dict()
    assert 'backbone.layers.0.ffn.w12.weight' in names


def test_channels_of_the_backbone():
    assert eomt(decode_head=dict(in_channels=None)).decode_head.class_embed.in_features == 16
