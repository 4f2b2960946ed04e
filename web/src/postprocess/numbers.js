/** Small formulas that the kinds of results share. */

export function sigmoid(value) {
  return 1 / (1 + Math.exp(-value));
}

/**
 * Probabilities of the classes and of no-object.
 *
 * @param {Float32Array} logits `(queries, numOutputs)`.
 * @param {number} numOutputs Number of classes, and one for no-object.
 * @returns {Float32Array} Of the same form.
 */
export function softmaxRows(logits, numOutputs) {
  const probabilities = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += numOutputs) {
    const row = logits.subarray(start, start + numOutputs);
    const highest = row.reduce((best, value) => Math.max(best, value), -Infinity);
    let sum = 0;
    for (const value of row) sum += Math.exp(value - highest);
    row.forEach((value, index) => {
      probabilities[start + index] = Math.exp(value - highest) / sum;
    });
  }
  return probabilities;
}

/** Index of the highest of some numbers, the first of equal ones. */
export function indexOfHighest(values) {
  let best = 0;
  for (let index = 1; index < values.length; index++) if (values[index] > values[best]) best = index;
  return best;
}
