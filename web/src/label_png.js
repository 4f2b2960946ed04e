/** PNG files of numbers: gray, 8 bits, or 16 where a number needs them. */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GRAY = 0;

/**
 * @param {{map: Uint16Array, width: number, height: number}} result Numbers of the pixels.
 * @returns {Promise<Blob>} A PNG whose gray values are the numbers.
 */
export async function labelPNG({ map, width, height }) {
  const bits = map.some((number) => number > 255) ? 16 : 8;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([bits, GRAY], 8);
  const pixels = await zlib(scanlines(map, width, height, bits));
  const parts = [chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', new Uint8Array())];
  return new Blob([Uint8Array.from(SIGNATURE), ...parts], { type: 'image/png' });
}

/** Rows of big-endian numbers, each after a byte that says that it is not filtered. */
function scanlines(map, width, height, bits) {
  const bytesPerNumber = bits / 8;
  const lines = new Uint8Array(height * (1 + width * bytesPerNumber));
  let to = 0;
  for (let pixel = 0; pixel < map.length; pixel++) {
    if (pixel % width === 0) to++;
    if (bits === 16) lines[to++] = map[pixel] >> 8;
    lines[to++] = map[pixel] & 255;
  }
  return lines;
}

async function zlib(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(name, content) {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, checksum(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

/** CRC-32, as PNG has it. */
function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
