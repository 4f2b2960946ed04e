/** Pixels of files and of the camera, as the Python package reads them. */

import { UserError } from './errors.js';
import { storedColors } from './stored_colors.js';

const MOST_MEGAPIXELS = 40;

/**
 * Read an image file. It is turned by its EXIF orientation; color profiles and opacity are ignored.
 *
 * @param {Blob} file
 * @returns {Promise<ImageData>}
 * @throws {UserError} It is not an image, or too large.
 */
export async function readImage(file) {
  const name = file.name || 'The pasted file';
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  } catch {
    throw new UserError(`${name} is not an image that this browser can read: give a JPEG, PNG, WebP, GIF or BMP file.`);
  }
  const { width, height } = bitmap;
  if (width * height > MOST_MEGAPIXELS * 1e6) {
    throw new UserError(
      `${name} has ${width}x${height} pixels, which is too large: give an image of at most ${MOST_MEGAPIXELS} megapixels.`,
    );
  }
  const image = pixelsOf(bitmap, width, height);
  return isOpaque(image) ? image : storedColors(bitmap);
}

function isOpaque({ data }) {
  for (let index = 3; index < data.length; index += 4) if (data[index] !== 255) return false;
  return true;
}

/** Pixels of what a canvas can draw: a bitmap or a frame of a video. */
export function pixelsOf(source, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** The first file of a drop or of the clipboard; null if there is none. */
export function fileOf(transfer) {
  if (transfer?.files?.length) return transfer.files[0];
  const item = [...(transfer?.items ?? [])].find(({ kind }) => kind === 'file');
  return item ? item.getAsFile() : null;
}
