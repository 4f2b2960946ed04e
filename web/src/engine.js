/** The engine that runs the model: WebGPU or WebAssembly, in a worker. */

import { assetURL, findAsset, loadAsset, moduleURL } from './assets.js';
import { sentenceOf, UserError } from './errors.js';

const MOST_THREADS = 8;
/** Beginnings of the names of the runtime's files. */
const RUNTIMES = { wasm: 'runtime', webgpu: 'runtime-webgpu' };
const INSTEAD = 'the model runs on WebAssembly.';

/** How many threads there may be: one without cross-origin isolation. */
export function mostThreads() {
  return self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1;
}

export class Engine {
  /** @param {object} model See `modelOf`. */
  constructor(model) {
    this.model = model;
    this.worker = null;
    this.waiting = new Map();
    this.number = 0;
    this.provider = null;
  }

  /** The name of what runs the model. */
  get used() {
    if (this.provider === 'webgpu') return 'WebGPU';
    return `WebAssembly, SIMD, ${this.threads} ${this.threads === 1 ? 'thread' : 'threads'}`;
  }

  /**
   * Load the model into the engine that was asked for, or into the one that works.
   *
   * @param {{engine: 'auto'|'webgpu'|'wasm', threads: number}} settings 0 threads are as many as there may be.
   * @returns {Promise<string[]>} Sentences on what was not possible.
   */
  async start({ engine, threads }) {
    this.threads = threads ? Math.min(threads, mostThreads()) : mostThreads();
    if (engine === 'wasm') return this.open('wasm').then(() => []);
    const failure = await whyNoWebGPU(engine === 'auto');
    if (failure === null) {
      try {
        await this.open('webgpu');
        return [];
      } catch (error) {
        return this.replaceWebGPU(error);
      }
    }
    await this.open('wasm');
    return engine === 'auto' ? [] : [`${failure}: ${INSTEAD}`];
  }

  async replaceWebGPU(error) {
    await this.open('wasm');
    return [`WebGPU failed (${sentenceOf(error)}): ${INSTEAD}`];
  }

  /** @returns {Promise<object>} See `resultOf`; with `notes`, sentences on what was not possible. */
  async segment(image, task) {
    try {
      return { ...(await this.ask('segment', { image, task })), notes: [] };
    } catch (error) {
      if (this.provider !== 'webgpu') throw error;
      const notes = await this.replaceWebGPU(error);
      return { ...(await this.ask('segment', { image, task })), notes };
    }
  }

  /** Result of another task for the last image. */
  repeat(task) {
    return this.ask('repeat', { task });
  }

  /** Start a worker with the model. */
  async open(provider) {
    this.worker?.terminate();
    this.fail('another engine was chosen');
    this.provider = provider;
    const [modelFile, runtime] = await Promise.all([loadAsset('model.onnx'), loadRuntime(provider)]);
    this.worker = new Worker(await assetURL('worker.js'));
    this.worker.onmessage = ({ data }) => this.settle(data);
    this.worker.onerror = (event) => this.fail(event.message || 'it could not be started');
    await this.ask('load', { model: this.model, modelFile, runtime, provider, threads: this.threads });
  }

  ask(action, content) {
    if (!this.worker) return Promise.reject(new UserError('The model is not loaded.'));
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.number, { resolve, reject });
      this.worker.postMessage({ number: this.number, action, content });
    });
  }

  settle({ number, content, error }) {
    const { resolve, reject } = this.waiting.get(number);
    this.waiting.delete(number);
    if (error === undefined) resolve(content);
    else reject(new UserError(error));
  }

  fail(reason) {
    for (const { reject } of this.waiting.values()) reject(new UserError(`The worker stopped: ${reason}.`));
    this.waiting.clear();
  }
}

async function loadRuntime(provider) {
  const name = RUNTIMES[provider];
  return { binary: await loadAsset(`${name}.wasm`), glue: await moduleURL(`${name}.js`) };
}

/** A clause that says why there is no WebGPU; null if there is. */
async function whyNoWebGPU(needsHardware) {
  if (!navigator.gpu) return 'This browser has no WebGPU';
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  if (!adapter) return 'There is no graphics adapter for WebGPU';
  if (needsHardware && adapter.info?.isFallbackAdapter) return 'The graphics adapter is software';
  return (await findAsset(`${RUNTIMES.webgpu}.js`)) ? null : 'This page was built without WebGPU';
}
