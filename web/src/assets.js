/**
 * Files of the page: embedded in it (compressed, in base64) by the build, or lying beside it.
 *
 * A page that is opened from a disk may not fetch files, but may have everything in itself.
 */

import { UserError } from './errors.js';

const CHUNK = 1 << 20; // a multiple of 4 characters

/**
 * @param {string} name
 * @returns {Promise<Uint8Array|null>} The bytes; null if there is no such file.
 */
export async function findAsset(name) {
  const element = document.getElementById(`asset:${name}`);
  if (element) return decompress(fromBase64(element.textContent.trim()));
  if (location.protocol === 'file:') return null;
  const response = await fetch(name);
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
}

export async function loadAsset(name) {
  const bytes = await findAsset(name);
  if (bytes) return bytes;
  throw new UserError(
    location.protocol === 'file:'
      ? `${name} cannot be read from a disk: open the single-file page, or serve this folder.`
      : `${name} is missing beside this page: upload the whole folder.`,
  );
}

/** URL of a script, from which a worker can be made. */
export async function assetURL(name) {
  if (!document.getElementById(`asset:${name}`)) return new URL(name, location.href).href;
  return URL.createObjectURL(new Blob([await loadAsset(name)], { type: 'text/javascript' }));
}

/** URL of a module that a worker can import; in a page from a disk it cannot import those that `assetURL` makes. */
export async function moduleURL(name) {
  if (location.protocol !== 'file:') return assetURL(name);
  return `data:text/javascript,${encodeURIComponent(new TextDecoder().decode(await loadAsset(name)))}`;
}

export async function loadJSON(name) {
  return JSON.parse(new TextDecoder().decode(await loadAsset(name)));
}

function fromBase64(text) {
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let to = 0;
  for (let start = 0; start < text.length; start += CHUNK) {
    const part = atob(text.slice(start, start + CHUNK));
    for (let index = 0; index < part.length; index++) bytes[to++] = part.charCodeAt(index);
  }
  return bytes;
}

async function decompress(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
