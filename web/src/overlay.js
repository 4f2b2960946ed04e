/** Paints a result over an image. */

const FADED = 40;
const BORDER = 0.45; // how much darker the border of a segment is

/**
 * Colors of a result, to be laid over the image.
 *
 * @param {object} result See `resultOf`.
 * @param {Map<number, object>} byNumber See `regionsOf`.
 * @param {number|null} highlighted Label of the class that is shown alone; null shows all.
 * @returns {ImageData} Transparent where there is no segment.
 */
export function overlayOf({ map, width, height }, byNumber, highlighted) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const { inner, border } = tables(byNumber, highlighted);
  for (let y = 0, pixel = 0; y < height; y++) {
    for (let x = 0; x < width; x++, pixel++) {
      const number = map[pixel];
      const isBorder =
        (x + 1 < width && map[pixel + 1] !== number) || (y + 1 < height && map[pixel + width] !== number);
      pixels[pixel] = (isBorder ? border : inner)[number];
    }
  }
  return image;
}

/** Colors by number in the map, as 32-bit values of a canvas. */
function tables(byNumber, highlighted) {
  const [inner, border] = [new Uint32Array(1 << 16), new Uint32Array(1 << 16)];
  for (const [number, { color, label }] of byNumber) {
    const opacity = highlighted === null || highlighted === label ? 255 : FADED;
    inner[number] = packed(color, opacity);
    border[number] = packed(color.map((value) => Math.round(BORDER * value)), opacity);
  }
  return { inner, border };
}

function packed([red, green, blue], opacity) {
  return (opacity << 24) | (blue << 16) | (green << 8) | red;
}
