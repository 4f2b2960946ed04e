/** What the legend and a click tell of a result: the classes and segments, their colors and their pixels. */

/** How far the colors of segments of one class go towards white (above 0) or black, one after the other. */
const SHADES = [0, 0.4, -0.35, 0.2, -0.2, 0.55];

/**
 * Entries of a result.
 *
 * @param {object} result See `resultOf`.
 * @param {object} model See `modelOf`.
 * @returns {{byNumber: Map<number, object>, classes: object[]}} `byNumber` has the entry of each number in the map:
 *   label, name, color, share of the pixels, and of a segment id and score. `classes` are those present, largest
 *   first, with their share, and the numbers in the map that belong to them.
 */
export function regionsOf(result, model) {
  const counts = countsOf(result.map);
  const entries = result.segments ? result.segments.map(segmentEntry(model)) : labelEntries(counts, model);
  const byNumber = new Map();
  for (const entry of entries) {
    byNumber.set(entry.number, { ...entry, share: (counts.get(entry.number) ?? 0) / result.map.length });
  }
  return { byNumber, classes: classesOf([...byNumber.values()], model) };
}

function countsOf(map) {
  const counts = new Uint32Array(1 << 16);
  for (let pixel = 0; pixel < map.length; pixel++) counts[map[pixel]]++;
  const present = new Map();
  counts.forEach((count, number) => count && present.set(number, count));
  return present;
}

function segmentEntry(model) {
  const seen = new Map();
  return ({ id, label, score }) => {
    const index = seen.get(label) ?? 0;
    seen.set(label, index + 1);
    const color = shade(model.colors[label], SHADES[index % SHADES.length]);
    return { number: id, id, label, name: model.classes[label], color, score };
  };
}

function labelEntries(counts, model) {
  return [...counts.keys()]
    .filter((label) => label < model.classes.length)
    .map((label) => ({ number: label, label, name: model.classes[label], color: model.colors[label] }));
}

function classesOf(entries, model) {
  const groups = new Map();
  for (const entry of entries.filter(({ share }) => share > 0)) {
    const { label, name, share, number, id } = entry;
    const group = groups.get(label) ?? { label, name, color: model.colors[label], share: 0, numbers: [], segments: 0 };
    group.share += share;
    group.numbers.push(number);
    group.segments += id !== undefined;
    groups.set(label, group);
  }
  return [...groups.values()].sort((a, b) => b.share - a.share);
}

function shade(color, amount) {
  const goal = amount > 0 ? 255 : 0;
  return color.map((value) => Math.round(value + Math.abs(amount) * (goal - value)));
}

/**
 * What is at a pixel.
 *
 * @returns {{entry: object|null, score: number|null}} Entry of `byNumber`, null where there is no segment; the score
 *   of the segment, or of the class at the pixel.
 */
export function readingAt(result, byNumber, x, y) {
  const entry = byNumber.get(result.map[y * result.width + x]) ?? null;
  if (!entry) return { entry, score: null };
  if (entry.score !== undefined) return { entry, score: entry.score };
  const [height, width] = result.confidenceSize;
  const row = Math.min(height - 1, Math.floor(((y + 0.5) * height) / result.height));
  const column = Math.min(width - 1, Math.floor(((x + 0.5) * width) / result.width));
  return { entry, score: result.confidence[row * width + column] / 255 };
}

/** A share or a score for people: `12 %`, `< 1 %`. */
export function percent(part) {
  if (part > 0 && part < 0.01) return '< 1 %';
  return `${Math.round(100 * part)} %`;
}
