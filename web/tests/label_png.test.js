import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, inflateSync } from 'node:zlib';

import { labelPNG } from '../src/label_png.js';

async function chunksOf(result) {
  const bytes = Buffer.from(await (await labelPNG(result)).arrayBuffer());
  assert.deepEqual([...bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  const chunks = {};
  for (let place = 8; place < bytes.length; ) {
    const length = bytes.readUInt32BE(place);
    const name = bytes.toString('latin1', place + 4, place + 8);
    chunks[name] = bytes.subarray(place + 8, place + 8 + length);
    const sum = bytes.readUInt32BE(place + 8 + length);
    if (crc32) assert.equal(sum, crc32(bytes.subarray(place + 4, place + 8 + length))); // Node 22
    place += 12 + length;
  }
  return chunks;
}

test('small numbers are 8-bit gray', async () => {
  const { IHDR, IDAT, IEND } = await chunksOf({ map: Uint16Array.of(1, 2, 3, 255), width: 2, height: 2 });
  assert.deepEqual([...IHDR], [0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 0]);
  assert.deepEqual([...inflateSync(IDAT)], [0, 1, 2, 0, 3, 255]);
  assert.equal(IEND.length, 0);
});

test('numbers above 255 are 16-bit gray', async () => {
  const { IHDR, IDAT } = await chunksOf({ map: Uint16Array.of(1, 256), width: 2, height: 1 });
  assert.equal(IHDR[8], 16);
  assert.deepEqual([...inflateSync(IDAT)], [0, 0, 1, 1, 0]);
});
