import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compete } from '../src/postprocess/competition.js';
import { resizedMasks, TensorRows } from '../src/postprocess/rows.js';
import { fixtures, logits } from './fixtures.js';

const [height, width] = fixtures.logits_size;
const SCORES = [0.9, 0.6, 0.95, 0.7, 0.65];

function masksAt(size, { maskLogits, scale }) {
  const values = logits(maskLogits).map((value) => value * scale);
  const channels = SCORES.map((_, index) => index);
  return resizedMasks(new TensorRows(values, height, width, channels), size);
}

function result(masks, size, maskThr) {
  const winners = new Uint16Array(size.output[0] * size.output[1]).fill(9);
  return { ...compete(masks, SCORES, maskThr, size.output, winners), winners };
}

const sizes = [
  { padded: [28, 36], image: [25, 33], output: [211, 190] },
  { padded: [28, 36], image: [25, 33], output: [50, 66] },
  { padded: [56, 72], image: [3, 70], output: [400, 70] },
  { padded: [28, 36], image: [1, 1], output: [17, 3] },
];
const maskLogits = fixtures.panoptic[1].mask_logits;

for (const size of sizes) {
  for (const [maskThr, scale] of [[0, 1], [0.8, 1], [0.5, 1], [0.8, 0.2], [0, 0]]) {
    test(`cells of ${size.image} -> ${size.output} have the winners of their pixels (${maskThr}, ${scale})`, () => {
      const byCells = result(masksAt(size, { maskLogits, scale }), size, maskThr);
      const rows = masksAt(size, { maskLogits, scale });
      const byPixels = result({ row: (number) => rows.row(number) }, size, maskThr);
      assert.deepEqual(byCells, byPixels);
    });
  }
}
