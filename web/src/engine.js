/** The page's side of the worker. */

import { assetURL, loadAsset, moduleURL } from './assets.js';
import { UserError } from './errors.js';

export class Engine {
  /** @param {object} model See `modelOf`. */
  constructor(model) {
    this.model = model;
    this.worker = null;
    this.waiting = new Map();
    this.number = 0;
  }

  /**
   * Load the model into a new worker.
   *
   * @param {{engine: string, threads: number}} settings See `openSession`.
   */
  async start(settings) {
    this.stop();
    this.assets ??= await loadAssets();
    this.worker = new Worker(await assetURL('worker.js'));
    this.worker.onmessage = ({ data }) => this.settle(data);
    this.worker.onerror = (event) => this.fail(event.message || 'it could not be started');
    return this.ask('load', { assets: this.assets, model: this.model, settings });
  }

  segment(image, task) {
    return this.ask('segment', { image, task });
  }

  repeat(task) {
    return this.ask('repeat', { task });
  }

  stop() {
    this.worker?.terminate();
    this.worker = null;
    this.fail('another engine was chosen');
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

async function loadAssets() {
  const [model, binary, glue] = await Promise.all([
    loadAsset('model.onnx'),
    loadAsset('runtime.wasm'),
    moduleURL('runtime.js'),
  ]);
  return { model, runtime: { binary, glue } };
}
