/** A session of ONNX Runtime, in the worker. */

import * as ort from 'onnxruntime-web/webgpu';

/**
 * @param {Uint8Array} model
 * @param {{glue: string, binary: Uint8Array}} runtime `glue` is a URL.
 * @param {'webgpu'|'wasm'} provider
 * @param {number} threads
 * @returns {Promise<ort.InferenceSession>}
 */
export function openSession(model, runtime, provider, threads) {
  Object.assign(ort.env.wasm, {
    numThreads: threads,
    wasmPaths: { mjs: runtime.glue },
    wasmBinary: runtime.binary,
  });
  ort.env.logLevel = 'error';
  return ort.InferenceSession.create(model, { executionProviders: [provider], logSeverityLevel: 3 });
}

/** Run a session on the pixels of one image. */
export function runSession(session, { pixels, dims }, name) {
  return session.run({ [name]: new ort.Tensor('uint8', pixels, dims) });
}
