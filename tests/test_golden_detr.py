"""Parity with the official panoptic DETR, on random weights and a batch of two sizes."""

from __future__ import annotations

import json

import golden_checks as checks
import numpy as np
import pytest
import torch
from golden_outputs import assert_parity, golden_arrays, golden_batch, golden_model
from torch import Tensor

from mmmaskformer.functional.boxes import detr_boxes
from mmmaskformer.functional.detr_inference import detr_instances, detr_segments
from mmmaskformer.functional.matching import MatchedPairs
from mmmaskformer.functional.padding import padded_cells, valid_sizes
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.models import BoxAssigner, DETRCriterion
from mmmaskformer.models.decode_heads.base import EVERY_LAYER
from mmmaskformer.structures import BoxedMaskPrediction, BoxPrediction, MaskPrediction, Segments

NAME = 'detr_panoptic'
STORED = 'detr_predictions'  # its predictions and what follows from them, for a clone without ../shared


def padding(golden: dict, features: list[Tensor]) -> list[tuple[int, int]]:
    height, width = golden['input'].shape[-2:]
    return valid_sizes(golden['sizes'].tolist(), (height, width), tuple(features[-1].shape[-2:]))


@pytest.fixture(scope='module')
def decoded() -> dict:
    """Everything that the model finds on the golden input, with the tensors in between."""
    golden, model = golden_arrays(NAME), golden_model(NAME).eval()
    head, kept = model.decode_head, {}
    layers = head.encoder.layers
    layers[0].register_forward_hook(lambda module, inputs, output: kept.update(encoder_layer_0=output))
    head.encoder.register_forward_hook(lambda module, inputs, output: kept.update(memory=output[1]))
    head.transformer_decoder.register_forward_hook(
        lambda module, inputs, output: kept.update(decoder_outputs=output)
    )
    with torch.no_grad():
        features = model.extract_feat(torch.from_numpy(golden['input']))
        factors = head._decode(features, padding(golden, features), EVERY_LAYER)
        prediction = factors.last_layer()
    return dict(kept, golden=golden, head=head, features=features, factors=factors, prediction=prediction)


def test_input():
    model, golden = golden_model(NAME), golden_arrays(NAME)
    batch = model.data_preprocessor(golden_batch(NAME), training=True)
    assert_parity(batch['inputs'], golden['input'], 'input')


def test_backbone(decoded):
    for i, feature in enumerate(decoded['features']):
        assert_parity(feature, decoded['golden'][f'feat_{i}'], f'layer {i + 1}')


def test_padding(decoded):
    golden, features = decoded['golden'], decoded['features'][-1]
    found = padded_cells(padding(golden, decoded['features']), features)
    assert np.array_equal(found.unflatten(1, features.shape[-2:]).numpy(), golden['feat_mask_3'])


def test_encoder(decoded):
    golden, head = decoded['golden'], decoded['head']
    valid = torch.from_numpy(~golden['feat_mask_3']).flatten(1)[..., None]
    positions = head.encoder.position_encoding(
        decoded['features'][-1], padding(golden, decoded['features'])
    ).flatten(2)
    counted = valid.mT.numpy()
    assert_parity(positions * valid.mT, golden['pos'].reshape(positions.shape) * counted, 'positions')
    first = golden['encoder_layer_0'].swapaxes(0, 1)
    assert_parity(decoded['encoder_layer_0'] * valid, first * valid.numpy(), 'first layer')
    memory = golden['memory'].reshape(positions.shape) * counted
    assert_parity(decoded['memory'].flatten(2) * valid.mT, memory, 'memory')


def test_decoder(decoded):
    golden, factors = decoded['golden'], decoded['factors']
    assert_parity(decoded['decoder_outputs'], golden['decoder_outputs'], 'queries')
    assert_parity(factors.class_logits, golden['pred_logits'], 'classes')
    assert_parity(factors.boxes, golden['pred_boxes'], 'boxes')


def test_masks(decoded):
    golden, masks = decoded['golden'], decoded['factors'].masks
    with torch.no_grad():
        for k, queries in enumerate(masks.queries):
            maps = masks.head.attention(queries, masks.inputs.keys[k], masks.inputs.padding[k])
            assert_parity(maps.unflatten(2, (4, 5)), golden['bbox_attention'][k], 'attention maps')
    assert_parity(decoded['prediction'].mask_logits, golden['pred_masks'], 'masks')


def stored() -> dict[str, np.ndarray]:
    try:
        return golden_arrays(NAME)
    except pytest.skip.Exception:
        return golden_arrays(STORED)


def stored_layers() -> list[BoxPrediction]:
    golden = stored()
    layers = zip(torch.from_numpy(golden['pred_logits']), torch.from_numpy(golden['pred_boxes']))
    return [BoxPrediction(*layer) for layer in layers]


def stored_segments() -> list[Segments]:
    """Ground truth of both images, padded to the size of the larger."""
    golden, found = stored(), []
    height, width = golden['sizes'].max(0).tolist()
    for k, size in enumerate(golden['sizes'].tolist()):
        labels = torch.from_numpy(golden[f'labels_{k}'])
        ids = torch.full((height, width), len(labels))
        ids[: size[0], : size[1]] = torch.from_numpy(golden[f'ids_{k}'])
        masks = ids == torch.arange(len(labels))[:, None, None]
        found.append(Segments(labels, masks, boxes=detr_boxes(masks, size)))
    return found


class StoredMasks:
    @staticmethod
    def matched_logits(pairs: MatchedPairs) -> Tensor:
        return torch.from_numpy(stored()['pred_masks'])[pairs.images, pairs.queries]


def test_boxes_of_segments():
    for k, target in enumerate(stored_segments()):
        assert_parity(target.boxes, stored()[f'boxes_{k}'], f'boxes of image {k}', 1e-6)


def test_matches_of_stored_predictions():
    golden, segments, layers = stored(), stored_segments(), stored_layers()
    assigner = BoxAssigner()
    for k, target in enumerate(segments):
        for i, cost in enumerate(assigner._image_costs(layers, k, target)):
            assert_parity(cost, golden[f'cost_{i}_{k}'], f'costs of layer {i}, image {k}')
    for i, layer in enumerate(assigner(layers, segments)):
        for k, match in enumerate(layer):
            assert torch.stack(match).tolist() == golden[f'match_{i}_{k}'].tolist(), f'layer {i}, image {k}'


def check_losses(losses: dict[str, Tensor]) -> None:
    golden = stored()
    weights, seen = json.loads(str(golden['weight_dict'])), set()
    for key, value in losses.items():
        *layer, kind = key.removeprefix('decode.').split('.')
        name = 'loss_ce' if kind == 'loss_cls' else kind
        name += f'_{layer[0].removeprefix("d")}' if layer else ''
        seen.add(f'loss/{name}')
        assert_parity(value, golden[f'loss/{name}'] * weights.get(name, 1), name)
    unnamed = {f'loss/cardinality_error_{i}' for i in range(2)}  # logged of the last layer alone here
    assert seen == {key for key in golden if key.startswith('loss/')} - unnamed


def test_losses_of_stored_predictions():
    check_losses(DETRCriterion()(stored_layers(), stored_segments(), StoredMasks()))


def test_matches(decoded):
    golden = decoded['golden']
    found = decoded['head'].criterion.assigner(decoded['factors'].layers(), stored_segments())
    for i, layer in enumerate(found):
        for k, match in enumerate(layer):
            assert torch.stack(match).tolist() == golden[f'match_{i}_{k}'].tolist(), f'layer {i}, image {k}'


def test_losses_and_gradients():
    golden, model = golden_arrays(NAME), golden_model(NAME).train()
    losses = model.loss(**model.data_preprocessor(golden_batch(NAME), training=True))
    check_losses(losses)
    total, _ = model.parse_losses(losses)
    assert_parity(total, golden['total_loss'], 'total')
    total.backward()
    names = checks.official_name_of(NAME)
    ours = {key: p.grad.norm() for key, p in model.named_parameters() if p.requires_grad}
    assert set(ours) == set(names), 'other parameters train than in the official model'
    expected = torch.stack([torch.as_tensor(golden[f'gradnorm/{names[key]}']) for key in ours])
    assert_parity(torch.stack([*ours.values()]), expected.flatten(), 'gradient norms')
    for key, norm in ours.items():
        assert float(norm) == pytest.approx(float(golden[f'gradnorm/{names[key]}']), rel=1e-3, abs=1e-5), key


def stored_prediction(k: int) -> BoxedMaskPrediction:
    """Of the last layer; for segments and objects that do not hang on rounding."""
    last, masks = stored_layers()[-1], torch.from_numpy(stored()['pred_masks'])
    return BoxedMaskPrediction(last.class_logits[k], masks[k], last.boxes[k])


def stored_sizes(k: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Of the batch, of the image in it, and of the original image."""
    sizes = stored()['sizes']
    return tuple(sizes.max(0).tolist()), tuple(sizes[k].tolist()), tuple(stored()['orig_sizes'][k].tolist())


@pytest.mark.parametrize('k', [0, 1])
def test_objects(k):
    golden = stored()
    found = detr_instances(stored_prediction(k), OutputSize(*stored_sizes(k)), [True] * 6)
    order = np.argsort(-golden[f'post_scores_{k}'], kind='stable')
    assert_parity(found.scores, golden[f'post_scores_{k}'][order], 'scores')
    assert found.labels.tolist() == golden[f'post_labels_{k}'][order].tolist()
    assert_parity(found.bboxes, golden[f'post_boxes_{k}'][order], 'boxes')
    assert np.array_equal(np.packbits(found.masks.numpy(), axis=-1), golden[f'post_masks_{k}'][order])


@pytest.mark.parametrize('k', [0, 1])
def test_segments(k):
    """The official code takes masks of the padded batch for masks of the image: sizes say so here too."""
    golden, (_, image, output) = stored(), stored_sizes(k)
    threshold = float(golden['panoptic_threshold'])
    size = OutputSize(image, image, output)
    found = detr_segments(stored_prediction(k), size, golden['is_thing'].tolist(), threshold)
    assert_segments(found, golden[f'panoptic_{k}'], json.loads(str(golden[f'panoptic_info_{k}'])))


@pytest.mark.parametrize('i', range(4))
def test_rules_of_segments(i):
    golden = golden_arrays('detr_post')
    logits, masks = (torch.from_numpy(golden[f'{key}_{i}']) for key in ('logits', 'masks'))
    sizes = golden[f'sizes_{i}'].tolist()
    image, output = tuple(sizes[:2]), tuple(sizes[2:])
    is_thing = [label <= 3 for label in range(logits.shape[-1] - 1)]
    found = detr_segments(MaskPrediction(logits, masks), OutputSize(image, image, output), is_thing)
    assert_segments(found, golden[f'panoptic_{i}'], json.loads(str(golden[f'panoptic_info_{i}'])))


def assert_segments(found, ids: np.ndarray, info: list[dict]) -> None:
    """Ours count from 1, and 0 is void; official ids count from 0."""
    areas = found.ids.flatten().bincount(minlength=len(info) + 1).tolist()[1:]
    ours = [
        {**segment, 'area': area, 'id': segment['id'] - 1}
        for segment, area in zip(found.segments_info, areas)
    ]
    assert [{key: segment[key] for key in expected} for segment, expected in zip(ours, info)] == info
    assert len(ours) == len(info)
    assert np.array_equal(found.ids.numpy(), ids + bool(info))
