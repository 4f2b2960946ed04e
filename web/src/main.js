/** The page: what a person does, and what follows. */

import { findAsset, loadJSON } from './assets.js';
import { Camera } from './camera.js';
import { Engine, mostThreads } from './engine.js';
import { sentenceOf, UserError } from './errors.js';
import { fileOf, readImage } from './image_input.js';
import { labelPNG } from './label_png.js';
import { modelOf } from './metadata.js';
import { byId, View } from './view.js';

const TIMES = ['preprocessing', 'model', 'post-processing'];

class Page {
  constructor(model) {
    this.model = model;
    this.view = new View(model);
    this.engine = new Engine(model);
    this.camera = new Camera();
    this.image = null;
    this.name = 'image';
    this.task = model.tasks.at(-1);
    this.busy = Promise.resolve();
  }

  /** Run one action after the other; an error becomes a message. */
  queue(action) {
    this.busy = this.busy.then(action).catch((error) => this.view.say(sentenceOf(error), true));
    return this.busy;
  }

  async startEngine() {
    const settings = { engine: byId('engine').value, threads: Number(byId('threads').value) };
    this.view.say('Loading the model ...');
    const start = performance.now();
    const notes = await this.engine.start(settings);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    this.say(`Ready: the model was loaded in ${seconds} s.`, notes);
    if (this.image && !this.camera.running) await this.segment(notes);
  }

  /** Name the engine that runs, and say a sentence, with those on what was not possible. */
  say(sentence, notes) {
    byId('used').textContent = this.engine.used;
    this.view.say([sentence, ...notes].join(' '), notes.length > 0);
  }

  async open(file) {
    this.stopCamera();
    this.view.say('Reading the image ...');
    this.show(await readImage(file), file.name?.replace(/\.\w+$/, '') || 'image');
    await this.segment();
  }

  show(image, name) {
    this.view.clear();
    this.view.showImage(image);
    [this.image, this.name] = [image, name];
  }

  async segment(notes = []) {
    this.view.say('Segmenting ...');
    const result = await this.engine.segment(this.image, this.task);
    this.view.showResult(result);
    this.view.showTimes(TIMES, result.spans);
    const { width, height } = this.image;
    const said = `Segmented ${width}x${height} pixels, seen by the model at ${result.input.width}x${result.input.height}.`;
    this.say(said, [...notes, ...result.notes]);
  }

  async setTask(task) {
    this.task = task;
    if (this.camera.running || !this.view.result) return;
    const result = await this.engine.repeat(task);
    this.view.showResult(result);
    this.view.showTimes(TIMES.slice(-1), result.spans);
  }

  async toggleCamera() {
    if (this.camera.running) return this.stopCamera();
    this.view.say('Opening the camera ...');
    await this.camera.start();
    byId('camera').textContent = 'Stop the camera';
    this.view.say('The camera is on; its images stay in this browser.');
    this.view.clear();
    this.name = 'camera';
    this.nextFrame(performance.now());
    return undefined;
  }

  /** Segment the camera's frame, and then the next one. */
  nextFrame(before) {
    this.queue(async () => {
      if (!this.camera.running) return;
      try {
        const image = this.camera.frame();
        const result = await this.engine.segment(image, this.task);
        const now = performance.now();
        this.view.showImage(image);
        this.image = image;
        this.view.showResult(result);
        this.view.showTimes(TIMES, result.spans, 1000 / (now - before));
        if (result.notes.length) this.say('The camera is on.', result.notes);
        requestAnimationFrame(() => this.nextFrame(now));
      } catch (error) {
        this.stopCamera();
        throw error;
      }
    });
  }

  stopCamera() {
    if (!this.camera.running) return;
    this.camera.stop();
    byId('camera').textContent = 'Start the camera';
    this.view.say('The camera is off.');
  }

  async download() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await labelPNG(this.view.result));
    link.download = `${this.name}_${this.view.result.task === 'panoptic' ? 'segments' : 'labels'}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  listen() {
    const openFile = (file) => file && this.queue(() => this.open(file));
    byId('file').addEventListener('change', ({ target }) => {
      openFile(target.files[0]);
      target.value = '';
    });
    byId('choose').addEventListener('click', () => byId('file').click());
    byId('camera').addEventListener('click', () => this.queue(() => this.toggleCamera()));
    byId('download').addEventListener('click', () => this.queue(() => this.download()));
    for (const id of ['engine', 'threads']) {
      byId(id).addEventListener('change', () => this.queue(() => this.startEngine()));
    }
    document.addEventListener('paste', ({ clipboardData }) => openFile(fileOf(clipboardData)));
    this.listenToDrops(openFile);
    this.offerTasks();
    this.offerThreads();
  }

  listenToDrops(openFile) {
    const stage = byId('stage');
    for (const name of ['dragenter', 'dragover', 'dragleave', 'drop']) {
      document.addEventListener(name, (event) => {
        event.preventDefault();
        stage.classList.toggle('dragging', name === 'dragenter' || name === 'dragover');
      });
    }
    document.addEventListener('drop', ({ dataTransfer }) => {
      const file = fileOf(dataTransfer);
      if (file) openFile(file);
      else this.view.say('What was dropped is not a file: drop an image file, or paste a copied image.', true);
    });
  }

  offerTasks() {
    byId('tasks').hidden = this.model.tasks.length < 2;
    for (const input of byId('tasks').querySelectorAll('input')) {
      input.checked = input.value === this.task;
      input.addEventListener('change', () => this.queue(() => this.setTask(input.value)));
    }
  }

  offerThreads() {
    for (let number = 1; number <= mostThreads(); number++) byId('threads').add(new Option(number, number));
    byId('isolation').textContent = self.crossOriginIsolated
      ? `This page may use up to ${mostThreads()} threads.`
      : 'One thread: more need a host that sends the headers of cross-origin isolation.';
    byId('threads').disabled = !self.crossOriginIsolated;
  }

  async offerExample() {
    const bytes = await findAsset('example.jpg');
    if (!bytes) return;
    byId('example').hidden = false;
    byId('example').addEventListener('click', () => {
      this.queue(() => this.open(new File([bytes], 'example.jpg', { type: 'image/jpeg' })));
    });
  }
}

async function main() {
  if (!('gpu' in navigator)) byId('engine').querySelector('[value=webgpu]').textContent += ' (not in this browser)';
  if (typeof OffscreenCanvas === 'undefined' || typeof DecompressionStream === 'undefined') {
    throw new UserError('This browser is too old: use Chrome or Edge 103, Firefox 114, Safari 16.4, or a later one.');
  }
  const page = new Page(modelOf(await loadJSON('metadata.json')));
  page.listen();
  await page.queue(() => page.startEngine());
  await page.offerExample();
}

main().catch((error) => {
  byId('status').textContent = sentenceOf(error);
  byId('status').classList.add('error');
});
