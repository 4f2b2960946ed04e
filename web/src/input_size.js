/** Sizes of a network's input, by the rules that the metadata of exported models names. */

const round = (side) => Math.floor(side + 0.5);

/**
 * Height and width that an image is resized to.
 *
 * @param {number} height
 * @param {number} width
 * @param {object} input `input` of the metadata: with `size` [height, width] of a graph of fixed size, or null; and
 *   `resize`, whose `rule` is `within` or `exact` a `scale`, `shortest_edge` or `none`.
 * @returns {[number, number]}
 */
export function inputSize(height, width, { size, resize }) {
  if (size && resize.rule === 'exact') return [...size];
  if (size) {
    const factor = Math.min(size[0] / height, size[1] / width);
    return [height, width].map((side, index) => Math.min(size[index], Math.max(1, round(side * factor))));
  }
  return RULES[resize.rule](height, width, resize);
}

const RULES = {
  none: (height, width) => [height, width],
  exact: (height, width, { scale }) => [scale[1], scale[0]],
  within(height, width, { scale }) {
    const long = Math.max(...scale) / Math.max(height, width);
    const short = Math.min(...scale) / Math.min(height, width);
    return [height, width].map((side) => Math.max(1, round(side * Math.min(long, short))));
  },
  shortest_edge(height, width, { short, max }) {
    const factor = short / Math.min(height, width);
    let sides = height < width ? [short, factor * width] : [factor * height, short];
    const longest = Math.max(...sides);
    if (longest > max) sides = sides.map((side) => side * (max / longest));
    return RULES.within(height, width, { scale: sides.map(round) }); // as MMSegmentation's transform goes on
  },
};

/** The names of the rules. */
export const RESIZE_RULES = Object.keys(RULES);
