/**
 * OpenCV's bilinear resizing of 8-bit images, bit for bit: weights are whole numbers of 11 bits.
 *
 * A browser's own resizing rounds differently, and a network sees the difference.
 */

const WEIGHT_BITS = 11;
const ONE = 1 << WEIGHT_BITS;
export const CHANNELS = 3;

/**
 * Resize the red, green and blue of an image as `cv2.resize(image, (width, height))` does.
 *
 * @param {{data: Uint8Array|Uint8ClampedArray, width: number, height: number}} image Four channels, as a canvas
 *   gives them; opacity is dropped.
 * @param {number} width
 * @param {number} height
 * @returns {Uint8Array} `height * width * 3` values.
 */
export function resizeLikeOpenCV(image, width, height) {
  if (image.width === width && image.height === height) return withoutOpacity(image.data);
  if (image.width === 2 * width && image.height === 2 * height) return halve(image, width, height);
  const columns = axis(image.width, width);
  const rows = axis(image.height, height);
  const resized = new Uint8Array(height * width * CHANNELS);
  const cache = new RowCache(image, columns, width);
  for (let y = 0; y < height; y++) {
    const low = cache.row(rows.low[y]);
    const high = cache.row(rows.high[y]);
    mixRows(low, high, rows.lowWeight[y], rows.highWeight[y], resized, y * width * CHANNELS);
  }
  return resized;
}

function withoutOpacity(data) {
  const pixels = new Uint8Array((data.length / 4) * CHANNELS);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    for (let channel = 0; channel < CHANNELS; channel++) pixels[to++] = data[from + channel];
  }
  return pixels;
}

/** OpenCV averages four pixels where both sides are exactly halved. */
function halve(image, width, height) {
  const { data } = image;
  const stride = 4 * image.width;
  const resized = new Uint8Array(height * width * CHANNELS);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < CHANNELS; channel++) {
        const from = 2 * y * stride + 8 * x + channel;
        const sum = data[from] + data[from + 4] + data[from + stride] + data[from + stride + 4];
        resized[to++] = (sum + 2) >> 2;
      }
    }
  }
  return resized;
}

/** Two source positions and their whole-number weights for each target position; at a border, one pixel twice. */
function axis(source, target) {
  const scale = source / target;
  const low = new Int32Array(target);
  const high = new Int32Array(target);
  const lowWeight = new Int32Array(target);
  const highWeight = new Int32Array(target);
  for (let index = 0; index < target; index++) {
    const position = Math.fround((index + 0.5) * scale - 0.5);
    const start = Math.floor(position);
    const part = Math.fround(position - start);
    low[index] = Math.min(Math.max(start, 0), source - 1);
    high[index] = Math.min(Math.max(start + 1, 0), source - 1);
    lowWeight[index] = roundHalfToEven(Math.fround(Math.fround(1 - part) * ONE));
    highWeight[index] = roundHalfToEven(Math.fround(part * ONE));
  }
  return { low, high, lowWeight, highWeight };
}

function roundHalfToEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Rows of an image with resized columns, scaled by 2048; the last two are kept. */
class RowCache {
  constructor(image, columns, width) {
    this.image = image;
    this.columns = columns;
    this.numbers = [-1, -1];
    this.rows = [new Int32Array(width * CHANNELS), new Int32Array(width * CHANNELS)];
  }

  row(number) {
    const slot = number & 1;
    if (this.numbers[slot] !== number) {
      this.resize(number, this.rows[slot]);
      this.numbers[slot] = number;
    }
    return this.rows[slot];
  }

  resize(number, out) {
    const { data, width } = this.image;
    const { low, high, lowWeight, highWeight } = this.columns;
    const start = 4 * number * width;
    let to = 0;
    for (let x = 0; x < low.length; x++) {
      const left = start + 4 * low[x];
      const right = start + 4 * high[x];
      for (let channel = 0; channel < CHANNELS; channel++) {
        out[to++] = data[left + channel] * lowWeight[x] + data[right + channel] * highWeight[x];
      }
    }
  }
}

function mixRows(low, high, lowWeight, highWeight, out, start) {
  for (let index = 0; index < low.length; index++) {
    const sum = ((lowWeight * (low[index] >> 4)) >> 16) + ((highWeight * (high[index] >> 4)) >> 16);
    out[start + index] = (sum + 2) >> 2;
  }
}
