/** Panoptic inference: segments that do not overlap (paper, section 3.4). */

import { compete } from './competition.js';
import { indexOfHighest, softmaxRows } from './numbers.js';
import { resizedMasks, TensorRows } from './rows.js';

/**
 * Give each pixel to the query whose p(class) * p(pixel in mask) is highest, and drop what is mostly covered.
 *
 * @param {object} prediction See `semanticMap`; of a model of mask classification.
 * @param {object} size See `resizedMasks`.
 * @param {{isThing: boolean[], scoreThr: number, overlapThr: number, maskThr: number}} settings Queries of
 *   no-object, or no more probable than `scoreThr`, are left out; so is a segment that keeps less than `overlapThr`
 *   of its mask's area. Pixels less probable than `maskThr` are void.
 * @returns {{ids: Uint16Array, segments: {id: number, label: number, isThing: boolean, score: number}[]}} `ids` is 0
 *   where there is no segment.
 */
export function panopticSegments(prediction, size, settings) {
  const queries = sureQueries(prediction.classLogits, settings);
  const [height, width] = size.output;
  const ids = new Uint16Array(height * width);
  if (!queries.length) return { ids, segments: [] };
  const chosen = queries.map((query) => query.number);
  const masks = new TensorRows(prediction.maskLogits, prediction.height, prediction.width, chosen);
  const scores = queries.map((query) => query.score);
  const { areas, won, kept } = compete(resizedMasks(masks, size), scores, settings.maskThr, size.output, ids);
  queries.forEach((query, index) => {
    query.area = areas[index];
    query.won = kept[index] ? won[index] : 0;
  });
  const { idOf, segments } = numberSegments(queries, settings);
  const idOfWinner = Uint16Array.from([0, ...idOf]);
  for (let pixel = 0; pixel < ids.length; pixel++) ids[pixel] = idOfWinner[ids[pixel]];
  return { ids, segments };
}

function sureQueries(classLogits, { isThing, scoreThr }) {
  const numOutputs = isThing.length + 1;
  const probabilities = softmaxRows(classLogits, numOutputs);
  const queries = [];
  for (let number = 0; number * numOutputs < probabilities.length; number++) {
    const row = probabilities.subarray(number * numOutputs, (number + 1) * numOutputs);
    const label = indexOfHighest(row);
    if (label < isThing.length && row[label] > Math.fround(scoreThr)) {
      queries.push({ number, label, score: row[label] });
    }
  }
  return queries;
}

/** Ids from 1 in the order of the queries, 0 for those that are dropped; stuff of one class shares an id. */
export function numberSegments(queries, { isThing, overlapThr }) {
  const segments = [];
  const idOfStuff = new Map();
  const idOf = queries.map(({ label, score, area, won }) => {
    if (!won || !area || won / area < overlapThr) return 0;
    if (idOfStuff.has(label)) return idOfStuff.get(label);
    const id = segments.length + 1;
    if (!isThing[label]) idOfStuff.set(label, id);
    segments.push({ id, label, isThing: isThing[label], score });
    return id;
  });
  return { idOf, segments };
}
