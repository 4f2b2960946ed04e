/** From the pixels of an image to the results of a model, before and after the run of the network. */

import { inputSize } from './input_size.js';
import { CHANNELS, resizeLikeOpenCV } from './opencv_resize.js';
import { panopticSegments } from './postprocess/panoptic.js';
import { semanticMap } from './postprocess/semantic.js';

/**
 * Resize an image to the network's input.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} image
 * @param {object} model See `modelOf`.
 * @returns {{pixels: Uint8Array, dims: number[], size: object}} Input tensor and its sizes (see `resizedMasks`).
 */
export function prepare(image, { input }) {
  const [height, width] = inputSize(image.height, image.width, input);
  const full = input.size ?? [height, width];
  const padded = full.map((side, index) => paddedSide(side, input.size_divisor, input.padded?.[index]));
  const resized = resizeLikeOpenCV(image, width, height);
  return {
    pixels: inside(resized, [height, width], full, input.fill),
    dims: [1, ...full, CHANNELS],
    size: { padded, image: [height, width], output: [image.height, image.width] },
  };
}

/** A side to a multiple of the divisor, or to at least a length. */
function paddedSide(side, divisor, least) {
  return least ? Math.max(side, least) : Math.ceil(side / divisor) * divisor;
}

/** An image in the upper left corner of one of another size. */
function inside(pixels, [height, width], full, fill) {
  if (height === full[0] && width === full[1]) return pixels;
  const filled = new Uint8Array(full[0] * full[1] * CHANNELS);
  for (let index = 0; index < filled.length; index++) filled[index] = fill[index % CHANNELS];
  const length = width * CHANNELS;
  for (let y = 0; y < height; y++) {
    filled.set(pixels.subarray(y * length, (y + 1) * length), y * full[1] * CHANNELS);
  }
  return filled;
}

/** Logits of the one image of a batch, by the names that post-processing has for them. */
export function predictionOf(outputs, model) {
  const { dims, data } = outputs[model.hasMasks ? 'mask_logits' : 'logits'];
  const [height, width] = dims.slice(-2);
  if (!model.hasMasks) return { scores: data, height, width };
  return { classLogits: outputs.class_logits.data, maskLogits: data, height, width };
}

/**
 * Results of a prediction.
 *
 * @param {object} prediction See `predictionOf`.
 * @param {object} size See `prepare`.
 * @param {object} model See `modelOf`.
 * @param {string} task `semantic` or `panoptic`.
 * @returns {object} `map` with a number for each pixel of the image; for a semantic task with `confidence` and
 *   `confidenceSize` (see `semanticMap`), for a panoptic one with `segments` (see `panopticSegments`).
 */
export function resultOf(prediction, size, model, task) {
  const [height, width] = size.output;
  if (task === 'panoptic') {
    const settings = { isThing: model.isThing, ...model.panoptic };
    const { ids, segments } = panopticSegments(prediction, size, settings);
    return { task, width, height, map: ids, segments };
  }
  const settings = {
    numClasses: model.classes.length,
    void: model.void,
    before: model.before,
    areLogits: !model.hasMasks,
  };
  const { labels, ...confidence } = semanticMap(prediction, size, settings);
  return { task, width, height, map: labels, ...confidence };
}
