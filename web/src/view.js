/** The parts of the page that show: image, overlay, legend, reading, timings, messages. */

import { overlayOf } from './overlay.js';
import { percent, readingAt, regionsOf } from './regions.js';

const STEP = 0.02; // of a side, for the arrow keys

export const byId = (id) => document.getElementById(id);

export class View {
  /** @param {object} model See `modelOf`. */
  constructor(model) {
    this.model = model;
    this.result = null;
    this.regions = null;
    this.chosen = null; // label of the class that stays highlighted
    this.place = null; // x and y of the last reading, as parts of the sides
    this.listen();
    this.describeModel();
  }

  say(text, isError = false) {
    byId('status').textContent = text;
    byId('status').classList.toggle('error', isError);
  }

  /** Show an image, without a result of another one. */
  showImage(image) {
    for (const id of ['image', 'overlay']) Object.assign(byId(id), { width: image.width, height: image.height });
    byId('image').getContext('2d').putImageData(image, 0, 0);
    byId('stage').dataset.state = 'image';
    byId('frame').style.setProperty('--width', `${image.width}px`);
    byId('frame').style.setProperty('--aspect', image.width / image.height);
  }

  showResult(result) {
    this.result = result;
    this.regions = regionsOf(result, this.model);
    if (!this.regions.classes.some(({ label }) => label === this.chosen)) this.chosen = null;
    this.paint(this.chosen);
    this.fillLegend();
    this.read();
    byId('download').disabled = false;
  }

  clear() {
    Object.assign(this, { result: null, regions: null, place: null });
    byId('legend').replaceChildren();
    byId('download').disabled = true;
    this.read();
  }

  paint(highlighted) {
    if (!this.result) return;
    byId('overlay').getContext('2d').putImageData(overlayOf(this.result, this.regions.byNumber, highlighted), 0, 0);
  }

  showTimes(names, spans, framesPerSecond) {
    const rows = names.map((name, index) => [name, `${spans[index].toFixed(spans[index] < 10 ? 1 : 0)} ms`]);
    if (framesPerSecond) rows.push(['frames', `${framesPerSecond.toFixed(1)} per second`]);
    fillList(byId('timings'), rows);
  }

  fillLegend() {
    byId('legend').replaceChildren(...this.regions.classes.map((entry) => this.legendItem(entry)));
  }

  legendItem({ label, name, color, share, segments }) {
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.label = label;
    button.setAttribute('aria-pressed', String(label === this.chosen));
    const count = segments > 1 ? ` (${segments})` : '';
    button.append(swatch(color), text('span', `${name}${count}`, 'name'), text('span', percent(share), 'share'));
    for (const event of ['pointerenter', 'focus']) button.addEventListener(event, () => this.paint(label));
    for (const event of ['pointerleave', 'blur']) button.addEventListener(event, () => this.paint(this.chosen));
    button.addEventListener('click', () => this.choose(this.chosen === label ? null : label));
    const item = document.createElement('li');
    item.append(button);
    return item;
  }

  choose(label) {
    this.chosen = label;
    this.paint(label);
    for (const button of byId('legend').querySelectorAll('button')) {
      button.setAttribute('aria-pressed', String(Number(button.dataset.label) === label));
    }
  }

  /** Say what is at the place that was pointed at. */
  read() {
    const { result, place } = this;
    byId('marker').hidden = !(result && place);
    if (!result || !place) {
      byId('reading').textContent = result ? 'Click the image for the class at a place.' : '';
      return;
    }
    const x = Math.min(result.width - 1, Math.floor(place.x * result.width));
    const y = Math.min(result.height - 1, Math.floor(place.y * result.height));
    const { entry, score } = readingAt(result, this.regions.byNumber, x, y);
    Object.assign(byId('marker').style, { left: `${100 * place.x}%`, top: `${100 * place.y}%` });
    const id = entry?.id === undefined ? '' : `, segment ${entry.id}`;
    byId('reading').textContent = entry
      ? `${entry.name}${id}: score ${score.toFixed(2)}, ${percent(entry.share)} of the image (x ${x}, y ${y})`
      : `No segment (x ${x}, y ${y})`;
  }

  listen() {
    const frame = byId('frame');
    frame.addEventListener('click', (event) => {
      const box = byId('image').getBoundingClientRect();
      this.place = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
      this.read();
    });
    frame.addEventListener('keydown', (event) => {
      const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
      if (x === undefined || !this.result) return;
      event.preventDefault();
      const from = this.place ?? { x: 0.5, y: 0.5 };
      this.place = { x: within(from.x + STEP * x), y: within(from.y + STEP * y) };
      this.read();
    });
    byId('opacity').addEventListener('input', ({ target }) => {
      byId('overlay').style.opacity = target.value / 100;
    });
  }

  describeModel() {
    const { name, classes, license, precision, isThing } = this.model;
    byId('model-name').textContent = name;
    const things = classes.filter((_, index) => isThing[index]);
    fillList(byId('model'), [
      ['name', name],
      ['classes', classes.join(', ')],
      ...(this.model.tasks.includes('panoptic') ? [['of these, things', things.join(', ') || 'none']] : []),
      ['precision', precision],
      ['license', license],
    ]);
  }
}

function within(part) {
  return Math.min(0.999, Math.max(0, part));
}

function swatch([red, green, blue]) {
  const element = text('span', '', 'swatch');
  element.style.background = `rgb(${red} ${green} ${blue})`;
  return element;
}

function text(tag, content, className) {
  return Object.assign(document.createElement(tag), { textContent: content, className });
}

/** Fill a description list with terms and descriptions. */
export function fillList(list, rows) {
  list.replaceChildren(...rows.flatMap(([term, value]) => [text('dt', term, ''), text('dd', value ?? 'not known', '')]));
}
