import assert from 'node:assert/strict';
import { test } from 'node:test';

import { percent, readingAt, regionsOf } from '../src/regions.js';

const model = { classes: ['sky', 'car'], colors: [[0, 0, 255], [100, 100, 100]] };

test('classes are listed by their shares, with the number of their segments', () => {
  const segments = [
    { id: 1, label: 1, score: 0.9 },
    { id: 2, label: 0, score: 0.8 },
    { id: 3, label: 1, score: 0.7 },
  ];
  const result = { map: Uint16Array.of(0, 1, 1, 1, 2, 3), width: 3, height: 2, segments };
  const { byNumber, classes } = regionsOf(result, model);
  assert.deepEqual(classes.map(({ name, segments: count, numbers }) => [name, count, numbers]), [
    ['car', 2, [1, 3]],
    ['sky', 1, [2]],
  ]);
  assert.ok(Math.abs(classes[0].share - 4 / 6) < 1e-9);
  assert.notDeepEqual(byNumber.get(1).color, byNumber.get(3).color);
  assert.equal(readingAt(result, byNumber, 0, 0).entry, null);
  const { entry, score } = readingAt(result, byNumber, 2, 1);
  assert.deepEqual([entry.name, entry.id, score], ['car', 3, 0.7]);
});

test('a label map has no entry for pixels without a class, and the score of the place', () => {
  const result = {
    map: Uint16Array.of(0, 0, 255, 255),
    width: 4,
    height: 1,
    confidence: Uint8Array.of(51, 255),
    confidenceSize: [1, 2],
  };
  const { byNumber, classes } = regionsOf(result, model);
  assert.deepEqual([...byNumber.keys()], [0]);
  assert.deepEqual(classes.map(({ name, share }) => [name, share]), [['sky', 0.5]]);
  assert.equal(readingAt(result, byNumber, 1, 0).score, 0.2);
  assert.equal(readingAt(result, byNumber, 3, 0).entry, null);
});

test('small shares are not zero', () => {
  assert.deepEqual([0, 0.001, 0.01, 0.555, 1].map(percent), ['0 %', '< 1 %', '1 %', '56 %', '100 %']);
});
