/** What the metadata of an exported model (metadata.json) means for this page. */

import { UserError } from './errors.js';
import { RESIZE_RULES } from './input_size.js';

const FORMAT_VERSION = 1;
/** Tasks that the page shows, and the names of the functions that it has for them. */
const FUNCTIONS = { semantic: ['scores', 'per_pixel'], panoptic: ['maskformer'] };

/**
 * Check the metadata of a model, and name what the page needs of it.
 *
 * @param {object} metadata metadata.json of an exported directory.
 * @returns {object} Names, colors and kinds of the classes, tasks, thresholds, and what the input must be.
 * @throws {UserError} The model is of a kind that the page does not show.
 */
export function modelOf(metadata) {
  check(metadata);
  const { classes, postprocess } = metadata;
  const { score_thr: scoreThr, overlap_thr: overlapThr, mask_thr: maskThr = 0 } = postprocess.panoptic ?? {};
  return {
    name: nameOf(metadata.source?.config),
    classes,
    colors: metadata.colors ?? classes.map((_, index) => defaultColor(index)),
    isThing: metadata.things ?? classes.map(() => true),
    license: metadata.license,
    precision: metadata.precision,
    tasks: tasksOf(metadata),
    hasMasks: metadata.kind === 'mask',
    input: metadata.input,
    void: metadata.ignore_index,
    before: postprocess.semantic?.before ?? false,
    panoptic: { scoreThr, overlapThr, maskThr },
  };
}

function check(metadata) {
  if (metadata.format_version !== FORMAT_VERSION) {
    throw new UserError(
      `The model has format version ${metadata.format_version}, and this page reads ${FORMAT_VERSION}: export the ` +
        'model and build the page with the same version of mmmaskformer.',
    );
  }
  if (metadata.format !== 'onnx') {
    throw new UserError(`The model is exported to ${metadata.format}: export it with --to onnx.`);
  }
  if (!tasksOf(metadata).length || metadata.mask_stride) {
    throw new UserError(
      `This page does not show models with ${metadata.head} and the tasks ${metadata.tasks.join(', ')}: it shows ` +
        'semantic and panoptic results of MaskFormer, Mask2Former and per-pixel models.',
    );
  }
  if (!RESIZE_RULES.includes(metadata.input.resize.rule)) {
    throw new UserError(`The page does not know the rule '${metadata.input.resize.rule}' for resizing images.`);
  }
}

function tasksOf({ tasks, kind, postprocess }) {
  const functionOf = (task) => postprocess[task]?.function ?? (kind === 'per_pixel' ? 'per_pixel' : undefined);
  return Object.keys(FUNCTIONS).filter(
    (task) => tasks.includes(task) && FUNCTIONS[task].includes(functionOf(task)) && (task === 'semantic' || kind === 'mask'),
  );
}

function nameOf(config) {
  return (config ?? 'model').split('/').at(-1).replace(/\.py$/, '');
}

/** Neighbors in the list of classes get distant hues. */
function defaultColor(index) {
  const hue = (0.58 + index * 0.618034) % 1;
  return [0, 1 / 3, 2 / 3].map((shift) => Math.round(255 * (0.5 + 0.4 * Math.cos(2 * Math.PI * (hue - shift)))));
}
