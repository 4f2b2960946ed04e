/**
 * Maps of several channels, a row at a time: what a whole image would need in memory never exists.
 *
 * A source of rows has `channels`, `width` and `row(number)`, which returns `channels * width` numbers, one channel
 * after the other, that are valid until the next call.
 */

/**
 * Positions and weights of PyTorch's bilinear resizing (`align_corners=False`) along one side.
 *
 * @param {number} source
 * @param {number} target
 */
export function bilinearAxis(source, target) {
  const scale = Math.fround(source / target);
  const low = new Int32Array(target);
  const high = new Int32Array(target);
  const part = new Float32Array(target);
  for (let index = 0; index < target; index++) {
    const position = source === target ? index : Math.max(0, Math.fround(scale * (index + 0.5) - 0.5));
    low[index] = Math.min(Math.floor(position), source - 1);
    high[index] = Math.min(low[index] + 1, source - 1);
    part[index] = position - low[index];
  }
  return { low, high, part };
}

/** Rows of a tensor `(channels, height, width)`, of some of its channels. */
export class TensorRows {
  /**
   * @param {Float32Array} data
   * @param {number} height
   * @param {number} width
   * @param {number[]} channels Which channels.
   */
  constructor(data, height, width, channels) {
    this.data = data;
    this.height = height;
    this.width = width;
    this.chosen = channels;
    this.channels = channels.length;
    this.buffer = new Float32Array(this.channels * width);
  }

  row(number) {
    const out = this.buffer;
    this.chosen.forEach((channel, index) => {
      const start = (channel * this.height + number) * this.width;
      out.set(this.data.subarray(start, start + this.width), index * this.width);
    });
    return out;
  }
}

/** Rows of maps that are resized bilinearly, as PyTorch does, and cut off on the right. */
export class ResizedRows {
  /**
   * @param {object} source A source of rows.
   * @param {[number, number]} from Height and width of the source that count; the rest is padding.
   * @param {[number, number]} to Height and width after resizing.
   */
  constructor(source, from, to) {
    this.source = source;
    this.channels = source.channels;
    this.from = from;
    [this.height, this.width] = to;
    this.rows = bilinearAxis(from[0], to[0]);
    this.columns = bilinearAxis(from[1], to[1]);
    this.numbers = [-1, -1];
    this.stretched = [0, 1].map(() => new Float32Array(this.channels * this.width));
    this.buffer = new Float32Array(this.channels * this.width);
  }

  row(number) {
    const low = this.stretch(this.rows.low[number]);
    const part = this.rows.part[number];
    if (part === 0) return low;
    const high = this.stretch(this.rows.high[number]);
    const out = this.buffer;
    for (let index = 0; index < out.length; index++) out[index] = low[index] + part * (high[index] - low[index]);
    return out;
  }

  /** A row of the source with resized columns; neighboring rows have different places. */
  stretch(number) {
    const slot = number & 1;
    if (this.numbers[slot] !== number) {
      this.resizeColumns(this.source.row(number), this.stretched[slot]);
      this.numbers[slot] = number;
    }
    return this.stretched[slot];
  }

  resizeColumns(row, out) {
    const { low, high, part } = this.columns;
    let to = 0;
    for (let channel = 0; channel < this.channels; channel++) {
      const start = channel * this.source.width;
      for (let x = 0; x < this.width; x++) {
        const left = row[start + low[x]];
        out[to++] = left + part[x] * (row[start + high[x]] - left);
      }
    }
  }
}

/**
 * Mask logits at the size of the image: bilinear to the network's input, without padding, bilinear again.
 *
 * @param {TensorRows} masks
 * @param {{padded: [number, number], image: [number, number], output: [number, number]}} size Height and width of
 *   the padded input, of the image in its upper left corner, and of the original image.
 * @param {[number, number]} [target] Where to stop: `size.image` or `size.output`.
 */
export function resizedMasks(masks, size, target = size.output) {
  const atInput = new ResizedRows(masks, [masks.height, masks.width], size.padded);
  const same = target[0] === size.image[0] && target[1] === size.image[1];
  return same ? new CroppedRows(atInput, size.image[1]) : new ResizedRows(atInput, size.image, target);
}

/** Rows without what lies right of the image. */
class CroppedRows {
  constructor(source, width) {
    this.source = source;
    this.channels = source.channels;
    this.width = width;
    this.buffer = new Float32Array(this.channels * width);
  }

  row(number) {
    const row = this.source.row(number);
    if (this.source.width === this.width) return row;
    const out = this.buffer;
    for (let channel = 0; channel < this.channels; channel++) {
      const start = channel * this.source.width;
      out.set(row.subarray(start, start + this.width), channel * this.width);
    }
    return out;
  }
}
