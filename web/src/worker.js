/** The worker: keeps a session and the last prediction, so that the page stays usable. */

import { sentenceOf } from './errors.js';
import { predictionOf, prepare, resultOf } from './prediction.js';
import { openSession, runSession } from './session.js';

let state = null;

const ACTIONS = {
  async load({ model, modelFile, runtime, provider, threads }) {
    state = { session: await openSession(modelFile, runtime, provider, threads), model, last: null };
  },

  async segment({ image, task }) {
    const { session, model } = state;
    const times = [performance.now()];
    const input = prepare(image, model);
    times.push(performance.now());
    const outputs = await runSession(session, input, model.input.name);
    state.last = { prediction: predictionOf(outputs, model), size: input.size };
    times.push(performance.now());
    return this.finish(task, times);
  },

  /** Results of another task from the last prediction. */
  async repeat({ task }) {
    return this.finish(task, [performance.now()]);
  },

  finish(task, times) {
    const result = resultOf(state.last.prediction, state.last.size, state.model, task);
    times.push(performance.now());
    const [height, width] = state.last.size.image;
    const spans = times.slice(1).map((time, index) => time - times[index]);
    return { ...result, spans, input: { height, width } };
  },
};

self.onmessage = async ({ data: { number, action, content } }) => {
  try {
    self.postMessage({ number, content: await ACTIONS[action](content) });
  } catch (error) {
    self.postMessage({ number, error: sentenceOf(error) });
  }
};
