import assert from 'node:assert/strict';
import { test } from 'node:test';

import { modelOf } from '../src/metadata.js';

const metadata = {
  format_version: 1,
  format: 'onnx',
  head: 'MaskFormerHead',
  kind: 'mask',
  tasks: ['panoptic', 'semantic', 'instance'],
  classes: ['sky', 'car'],
  colors: null,
  things: [false, true],
  ignore_index: 255,
  mask_stride: null,
  input: { name: 'image', size: null, size_divisor: 32, resize: { rule: 'within', scale: [4, 3] }, fill: [1, 2, 3] },
  postprocess: {
    semantic: { function: 'scores', before: true },
    panoptic: { function: 'maskformer', score_thr: 0.7, overlap_thr: 0.6, mask_thr: 0.5 },
  },
  source: { config: 'configs/maskformer/r50_ade20k.py' },
};

test('what the page needs of a model of masks', () => {
  const model = modelOf(metadata);
  assert.equal(model.name, 'r50_ade20k');
  assert.deepEqual(model.tasks, ['semantic', 'panoptic']);
  assert.deepEqual(model.panoptic, { scoreThr: 0.7, overlapThr: 0.6, maskThr: 0.5 });
  assert.equal(model.before, true);
  assert.equal(model.colors.length, 2);
  assert.notDeepEqual(model.colors[0], model.colors[1]);
});

test('a per-pixel model has a semantic task alone', () => {
  const model = modelOf({ ...metadata, kind: 'per_pixel', postprocess: { semantic: { function: 'per_pixel' } } });
  assert.deepEqual(model.tasks, ['semantic']);
  assert.equal(model.hasMasks, false);
});

test('models that cannot be shown are refused in a sentence', () => {
  const detr = { head: 'DETRHead', postprocess: { panoptic: { function: 'detr' } }, tasks: ['panoptic'] };
  assert.throws(() => modelOf({ ...metadata, ...detr }), /does not show models with DETRHead and the tasks panoptic/);
  assert.throws(() => modelOf({ ...metadata, format_version: 2 }), /format version 2, and this page reads 1/);
  assert.throws(() => modelOf({ ...metadata, format: 'openvino' }), /exported to openvino: export it with --to onnx/);
  const input = { ...metadata.input, resize: { rule: 'cubic' } };
  assert.throws(() => modelOf({ ...metadata, input }), /the rule 'cubic'/);
});
