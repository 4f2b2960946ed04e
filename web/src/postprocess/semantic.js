/** Semantic inference: the class of every pixel, from masks of queries or from scores of pixels. */

import { sigmoid, softmaxRows } from './numbers.js';
import { bilinearAxis, resizedMasks, TensorRows } from './rows.js';

/** A class that is less probable than this changes no score that can be compared. */
const LEAST_PROBABILITY = 1e-9;

/**
 * The class of every pixel, and how sure the model is of it.
 *
 * @param {object} prediction `classLogits` `(Q, K + 1)` and `maskLogits` `(Q, h, w)`, or `scores` `(K, h, w)` of a
 *   per-pixel model; `height` and `width` of both.
 * @param {object} size See `resizedMasks`.
 * @param {{numClasses: number, void: number, before: boolean}} settings `void` is the label of pixels where a single
 *   class was not found; `before` resizes mask logits to the image before they are combined, not the scores after.
 * @returns {{labels: Uint16Array, confidence: Uint8Array, confidenceSize: [number, number]}} Labels `output` pixels;
 *   confidence, from 0 to 255, of the best class at `confidenceSize` pixels.
 */
export function semanticMap(prediction, size, settings) {
  const target = settings.before && prediction.classLogits ? size.output : size.image;
  const scores = scoreRows(prediction, size, target, settings.numClasses);
  return labelsOf(new RankedRows(scores, settings, target), size.output);
}

function scoreRows(prediction, size, target, numClasses) {
  const { height, width } = prediction;
  if (!prediction.classLogits) {
    const every = Array.from({ length: numClasses }, (_, index) => index);
    return resizedMasks(new TensorRows(prediction.scores, height, width, every), size, target);
  }
  const numQueries = prediction.classLogits.length / (numClasses + 1);
  const every = Array.from({ length: numQueries }, (_, index) => index);
  const masks = resizedMasks(new TensorRows(prediction.maskLogits, height, width, every), size, target);
  return new CombinedRows(masks, softmaxRows(prediction.classLogits, numClasses + 1), numClasses);
}

/** Semantic scores: sum over queries of p(class) * p(pixel in mask). Paper, section 3.4. */
class CombinedRows {
  constructor(masks, probabilities, numClasses) {
    this.masks = masks;
    this.probabilities = probabilities;
    this.channels = numClasses;
    this.width = masks.width;
    this.buffer = new Float32Array(numClasses * this.width);
    this.inMask = new Float32Array(this.width);
  }

  row(number) {
    const logits = this.masks.row(number);
    const { buffer, inMask, width, channels } = this;
    buffer.fill(0);
    for (let query = 0; query < this.masks.channels; query++) {
      for (let x = 0; x < width; x++) inMask[x] = sigmoid(logits[query * width + x]);
      for (let label = 0; label < channels; label++) {
        const probability = this.probabilities[query * (channels + 1) + label];
        if (probability < LEAST_PROBABILITY) continue;
        const start = label * width;
        for (let x = 0; x < width; x++) buffer[start + x] += probability * inMask[x];
      }
    }
    return buffer;
  }
}

/** Rows of scores with the best class of each pixel; two neighboring rows are kept. */
class RankedRows {
  constructor(scores, settings, [height, width]) {
    this.scores = scores;
    this.settings = settings;
    this.height = height;
    this.width = width;
    this.kept = [0, 1].map(() => ({
      number: -1,
      scores: new Float32Array(scores.channels * width),
      best: new Uint16Array(width),
    }));
    this.confidence = new Uint8Array(height * width);
  }

  get(number) {
    const row = this.kept[number & 1];
    if (row.number !== number) {
      row.scores.set(this.scores.row(number));
      row.number = number;
      for (let x = 0; x < this.width; x++) {
        row.best[x] = this.best((label) => row.scores[label * this.width + x]);
        this.confidence[number * this.width + x] = this.confidenceOf(row, x);
      }
    }
    return row;
  }

  /** The class with the highest score. A single class has no rival: it must be above 0.5. */
  best(scoreOf) {
    const { numClasses, void: unlabeled } = this.settings;
    if (numClasses === 1) return scoreOf(0) > 0.5 ? 0 : unlabeled;
    let best = 0;
    let highest = scoreOf(0);
    for (let label = 1; label < numClasses; label++) {
      const score = scoreOf(label);
      if (score > highest) [best, highest] = [label, score];
    }
    return best;
  }

  /** Part of the best class in the sum of the scores, of 255; of logits, by their softmax. */
  confidenceOf(row, x) {
    const { numClasses, areLogits } = this.settings;
    const score = (label) => row.scores[label * this.width + x];
    if (numClasses === 1) return 255 * Math.min(1, score(0));
    const highest = score(row.best[x]);
    let sum = 0;
    for (let label = 0; label < numClasses; label++) {
      sum += areLogits ? Math.exp(score(label) - highest) : score(label);
    }
    return Math.round((255 * (areLogits ? 1 : highest)) / Math.max(sum, 1e-12));
  }
}

/**
 * Labels at the size of the image.
 *
 * Where the four pixels that a pixel is made of have one best class, that class is the best of their mixture, too.
 * Scores are mixed only elsewhere, which is at the borders of segments.
 */
function labelsOf(ranked, [height, width]) {
  const rows = bilinearAxis(ranked.height, height);
  const columns = bilinearAxis(ranked.width, width);
  const labels = new Uint16Array(height * width);
  for (let y = 0; y < height; y++) {
    const top = ranked.get(rows.low[y]);
    const bottom = ranked.get(rows.high[y]);
    for (let x = 0; x < width; x++) {
      const left = columns.low[x];
      const right = columns.high[x];
      const best = top.best[left];
      const agreed = best === top.best[right] && best === bottom.best[left] && best === bottom.best[right];
      labels[y * width + x] = agreed
        ? best
        : ranked.best((label) =>
            mixed(top.scores, bottom.scores, label * ranked.width, left, right, columns.part[x], rows.part[y]),
          );
    }
  }
  return { labels, confidence: ranked.confidence, confidenceSize: [ranked.height, ranked.width] };
}

function mixed(top, bottom, start, left, right, xPart, yPart) {
  const above = top[start + left] + xPart * (top[start + right] - top[start + left]);
  const below = bottom[start + left] + xPart * (bottom[start + right] - bottom[start + left]);
  return above + yPart * (below - above);
}
