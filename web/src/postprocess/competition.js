/** Which query wins each pixel: pixel by pixel, or for images larger than the network's input cell by cell. */

import { sigmoid } from './numbers.js';
import { ResizedRows } from './rows.js';

/** From this ratio of output to input area on, most pixels lie in cells that a single query can win. */
const MANY_PIXELS = 4;
/** More than what rounding can change in a logit or in a probability. */
const MARGIN = 1e-4;

/**
 * Write the winner of each pixel, from 1 on and 0 below `maskThr`, into `winners`.
 *
 * @param {object} masks Rows of mask logits at the size of the image.
 * @param {number[]} scores One for each mask; the highest product of score and p(pixel in mask) wins.
 * @param {number} maskThr
 * @param {[number, number]} size Height and width of the image.
 * @param {Uint16Array} winners
 * @returns {{areas: Float64Array, won: Float64Array, kept: Float64Array}} Per query: area of its mask, pixels that it
 *   won, and those of them that are not below `maskThr`.
 */
export function compete(masks, scores, maskThr, [height, width], winners) {
  const [areas, won, kept] = [0, 1, 2].map(() => new Float64Array(scores.length));
  const tally = { areas, won, kept, winners, width };
  if (masks instanceof ResizedRows && height * width >= MANY_PIXELS * masks.from[0] * masks.from[1]) {
    competeByCells(masks, scores, maskThr, tally);
  } else {
    competeByPixels(masks, scores, maskThr, height, tally);
  }
  return { areas, won, kept };
}

function competeByPixels(masks, scores, maskThr, height, { areas, won, kept, winners, width }) {
  const best = new Float32Array(width);
  const bound = new Float32Array(width);
  const winner = new Uint16Array(width);
  for (let y = 0; y < height; y++) {
    const logits = masks.row(y);
    best.fill(-1);
    bound.fill(-Infinity);
    scores.forEach((score, query) => {
      for (let x = 0; x < width; x++) {
        const logit = logits[query * width + x];
        if (logit >= 0) areas[query]++;
        if (logit < bound[x]) continue; // no score up to 1 could win
        const product = productOf(score, logit);
        if (product > best[x]) {
          best[x] = product;
          bound[x] = lowestRival(product);
          winner[x] = query;
        }
      }
    });
    for (let x = 0; x < width; x++) {
      const query = winner[x];
      const isKept = !(maskThr > 0) || sigmoid(logits[query * width + x]) >= maskThr;
      won[query]++;
      kept[query] += isKept;
      winners[y * width + x] = isKept ? query + 1 : 0;
    }
  }
}

function productOf(score, logit) {
  return Math.fround(score * Math.fround(sigmoid(logit)));
}

/** The logit below which p(pixel in mask) alone is less than this product. */
function lowestRival(product) {
  return product < 1 ? Math.log(product / (1 - product)) - 1e-3 : Infinity;
}

/**
 * The same, where a cell is what lies between four neighboring values of the maps before resizing.
 *
 * Within a cell a logit is between those of its corners. A query that has no chance even at its best corner is left
 * out, and a cell with one query left is its own as a whole; pixels are looked at in the other cells alone.
 */
function competeByCells(masks, scores, maskThr, tally) {
  const columns = spans(masks.columns);
  const cell = new Cell(masks);
  for (const rows of spans(masks.rows)) {
    cell.enterRows(rows);
    for (const column of columns) {
      cell.enterColumns(column);
      countAreas(cell, scores.length, tally.areas);
      const rivals = rivalsIn(cell, scores);
      const isKept = rivals.length === 1 ? isKeptAsAWhole(cell, rivals[0], maskThr) : null;
      if (isKept === null) contest(cell, rivals, scores, maskThr, tally);
      else give(cell, rivals[0], isKept, tally);
    }
  }
}

/** Runs of positions between the same two values: `{low, high, start, end}`. */
function spans({ low, high }) {
  const found = [];
  for (let start = 0, end; start < low.length; start = end) {
    for (end = start + 1; end < low.length && low[end] === low[start]; ) end++;
    found.push({ low: low[start], high: high[start], start, end });
  }
  return found;
}

/** The pixels between four values of each map; one object goes from cell to cell. */
class Cell {
  /** @param {ResizedRows} masks */
  constructor(masks) {
    this.masks = masks;
    this.stride = masks.source.width;
    [this.top, this.bottom] = [0, 1].map(() => new Float32Array(masks.channels * this.stride));
  }

  enterRows(rows) {
    this.rows = rows;
    this.top.set(this.masks.source.row(rows.low));
    this.bottom.set(this.masks.source.row(rows.high));
  }

  enterColumns(columns) {
    this.columns = columns;
    this.area = (this.rows.end - this.rows.start) * (columns.end - columns.start);
  }

  lowest(query) {
    const left = query * this.stride + this.columns.low;
    const right = query * this.stride + this.columns.high;
    return Math.min(this.top[left], this.top[right], this.bottom[left], this.bottom[right]);
  }

  highest(query) {
    const left = query * this.stride + this.columns.low;
    const right = query * this.stride + this.columns.high;
    return Math.max(this.top[left], this.top[right], this.bottom[left], this.bottom[right]);
  }

  /** The logit at a pixel of the image, with the roundings of `ResizedRows`. */
  logit(query, x, y) {
    const left = query * this.stride + this.columns.low;
    const right = query * this.stride + this.columns.high;
    const xPart = this.masks.columns.part[x];
    const yPart = this.masks.rows.part[y];
    const above = Math.fround(this.top[left] + xPart * (this.top[right] - this.top[left]));
    if (yPart === 0) return above;
    const below = Math.fround(this.bottom[left] + xPart * (this.bottom[right] - this.bottom[left]));
    return Math.fround(above + yPart * (below - above));
  }

  forEachPixel(visit) {
    for (let y = this.rows.start; y < this.rows.end; y++) {
      for (let x = this.columns.start; x < this.columns.end; x++) visit(x, y);
    }
  }
}

function countAreas(cell, numQueries, areas) {
  for (let query = 0; query < numQueries; query++) {
    if (cell.highest(query) < -MARGIN) continue;
    if (cell.lowest(query) > MARGIN) areas[query] += cell.area;
    else cell.forEachPixel((x, y) => (areas[query] += cell.logit(query, x, y) >= 0));
  }
}

/** Queries that may win a pixel of the cell, in their order. */
function rivalsIn(cell, scores) {
  const certain = scores.reduce((best, score, query) => Math.max(best, score * sigmoid(cell.lowest(query))), 0);
  const rivals = [];
  scores.forEach((score, query) => {
    if (score * sigmoid(cell.highest(query)) >= certain - MARGIN) rivals.push(query);
  });
  return rivals;
}

/** Whether the winner's pixels are all not below `maskThr` (true), or all below (false); null where they may differ. */
function isKeptAsAWhole(cell, query, maskThr) {
  if (!(maskThr > 0) || sigmoid(cell.lowest(query)) > maskThr + MARGIN) return true;
  return sigmoid(cell.highest(query)) < maskThr - MARGIN ? false : null;
}

function give(cell, query, isKept, { won, kept, winners, width }) {
  won[query] += cell.area;
  kept[query] += isKept ? cell.area : 0;
  const winner = isKept ? query + 1 : 0;
  for (let y = cell.rows.start; y < cell.rows.end; y++) {
    winners.fill(winner, y * width + cell.columns.start, y * width + cell.columns.end);
  }
}

function contest(cell, rivals, scores, maskThr, { won, kept, winners, width }) {
  cell.forEachPixel((x, y) => {
    let [best, winner, of] = [-1, 0, 0];
    for (const query of rivals) {
      const logit = cell.logit(query, x, y);
      const product = productOf(scores[query], logit);
      if (product > best) [best, winner, of] = [product, query, logit];
    }
    const isKept = !(maskThr > 0) || sigmoid(of) >= maskThr;
    won[winner]++;
    kept[winner] += isKept;
    winners[y * width + x] = isKept ? winner + 1 : 0;
  });
}
