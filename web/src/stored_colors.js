/** Colors of transparent pixels as the file has them. A 2D canvas multiplies them with their opacity. */

/**
 * @param {ImageBitmap} bitmap Decoded with `premultiplyAlpha: 'none'`.
 * @returns {ImageData} Opaque.
 */
export function storedColors(bitmap) {
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2');
  const image = new ImageData(width, height);
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return onBlack(bitmap);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, gl.getParameter(gl.TEXTURE_BINDING_2D), 0);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(image.data.buffer));
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return opaque(image);
}

function onBlack(bitmap) {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  return opaque(context.getImageData(0, 0, bitmap.width, bitmap.height));
}

function opaque(image) {
  for (let index = 3; index < image.data.length; index += 4) image.data[index] = 255;
  return image;
}
