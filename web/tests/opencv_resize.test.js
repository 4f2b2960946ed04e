import assert from 'node:assert/strict';
import { test } from 'node:test';

import { resizeLikeOpenCV } from '../src/opencv_resize.js';
import { fixtures } from './fixtures.js';

function withOpacity(pixels) {
  const data = new Uint8ClampedArray((pixels.length / 3) * 4);
  for (let index = 0; index < data.length / 4; index++) {
    data.set([...pixels.slice(3 * index, 3 * index + 3), 255], 4 * index);
  }
  return data;
}

for (const { source, pixels, target, expected } of fixtures.resizing.cases) {
  test(`${source} to ${target} equals OpenCV's pixels`, () => {
    const image = { data: withOpacity(pixels), height: source[0], width: source[1] };
    assert.deepEqual([...resizeLikeOpenCV(image, target[1], target[0])], expected);
  });
}

test('an image of the right size is only stripped of its opacity', () => {
  const image = { data: Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 0), width: 2, height: 1 };
  assert.deepEqual([...resizeLikeOpenCV(image, 2, 1)], [1, 2, 3, 4, 5, 6]);
});
