import assert from 'node:assert/strict';
import { test } from 'node:test';

import { inputSize } from '../src/input_size.js';
import { prepare } from '../src/prediction.js';
import { fixtures } from './fixtures.js';

test("sizes within a scale follow MMCV's rule", () => {
  for (const { size, scale, expected } of fixtures.resizing.sizes) {
    const found = inputSize(size[1], size[0], { size: null, resize: { rule: 'within', scale } });
    assert.deepEqual(found, [expected[1], expected[0]]);
  }
});

test("sizes by the shortest edge follow MMSegmentation's rule", () => {
  for (const { size, expected } of fixtures.resizing.shortest_edges) {
    const resize = { rule: 'shortest_edge', ...fixtures.resizing.shortest_edge };
    assert.deepEqual(inputSize(size[1], size[0], { size: null, resize }), [expected[1], expected[0]]);
  }
});

test('images are stretched to an exact scale, or stay as they are', () => {
  assert.deepEqual(inputSize(5, 9, { size: null, resize: { rule: 'exact', scale: [4, 3] } }), [3, 4]);
  assert.deepEqual(inputSize(5, 9, { size: null, resize: { rule: 'none' } }), [5, 9]);
  assert.deepEqual(inputSize(5, 9, { size: [8, 8], resize: { rule: 'exact', scale: [8, 8] } }), [8, 8]);
});

test('a graph of fixed size gets the image at its upper left, and the fill elsewhere', () => {
  const data = new Uint8ClampedArray(2 * 4 * 4).fill(7);
  const input = { size: [4, 4], resize: { rule: 'within', scale: [4, 4] }, size_divisor: 4, fill: [1, 2, 3] };
  const { pixels, dims, size } = prepare({ data, width: 4, height: 2 }, { input });
  assert.deepEqual(dims, [1, 4, 4, 3]);
  assert.deepEqual(size, { padded: [4, 4], image: [2, 4], output: [2, 4] });
  assert.deepEqual([...pixels.subarray(0, 24)], Array(24).fill(7));
  assert.deepEqual([...pixels.subarray(24, 30)], [1, 2, 3, 1, 2, 3]);
});
