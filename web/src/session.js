/** A session of ONNX Runtime on the engine that was asked for, or on the one that works. */

import * as ort from 'onnxruntime-web/webgpu';

import { UserError } from './errors.js';

const MOST_THREADS = 8;

/**
 * @param {{model: Uint8Array, runtime: {glue: string, binary: Uint8Array}}} assets `glue` is a URL.
 * @param {{engine: 'auto'|'webgpu'|'wasm', threads: number}} settings 0 threads are as many as there are cores.
 * @returns {Promise<{session: ort.InferenceSession, used: string, notes: string[]}>} `used` names the engine that runs
 *   the model, `notes` are sentences on what was not possible.
 */
export async function openSession(assets, settings) {
  const notes = [];
  const threads = setUpRuntime(assets.runtime, settings.threads, notes);
  if (settings.engine !== 'wasm') {
    const failure = await whyNoWebGPU(settings.engine === 'auto');
    if (failure === null) {
      try {
        const session = await create(assets.model, 'webgpu');
        return { session, used: 'WebGPU', notes };
      } catch (error) {
        notes.push(`WebGPU failed (${error.message}): the model runs on WebAssembly.`);
      }
    } else if (settings.engine === 'webgpu') {
      notes.push(`${failure}: the model runs on WebAssembly.`);
    }
  }
  const session = await create(assets.model, 'wasm');
  return { session, used: `WebAssembly, SIMD, ${threads} ${threads === 1 ? 'thread' : 'threads'}`, notes };
}

/** Returns the number of threads. */
function setUpRuntime(runtime, wanted, notes) {
  const cores = Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS);
  const threads = self.crossOriginIsolated ? wanted || cores : 1;
  if (wanted > 1 && !self.crossOriginIsolated) {
    notes.push('Threads need a host that sends the headers of cross-origin isolation: one thread is used.');
  }
  Object.assign(ort.env.wasm, {
    numThreads: threads,
    wasmPaths: { mjs: runtime.glue },
    wasmBinary: runtime.binary,
  });
  ort.env.logLevel = 'error';
  return threads;
}

async function whyNoWebGPU(needsHardware) {
  if (!navigator.gpu) return 'This browser has no WebGPU';
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  if (!adapter) return 'There is no graphics adapter for WebGPU';
  const inSoftware = adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter;
  return needsHardware && inSoftware ? 'The graphics adapter is software' : null;
}

async function create(model, provider) {
  try {
    return await ort.InferenceSession.create(model, { executionProviders: [provider] });
  } catch (error) {
    if (provider === 'webgpu') throw error;
    throw new UserError(`The model cannot be loaded: ${error.message}`);
  }
}

/** Run a session on the pixels of one image. */
export async function runSession(session, { pixels, dims }, name) {
  const outputs = await session.run({ [name]: new ort.Tensor('uint8', pixels, dims) });
  return outputs;
}
