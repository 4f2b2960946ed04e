/** The camera: one frame after the other, as fast as they are segmented. */

import { UserError } from './errors.js';
import { pixelsOf } from './image_input.js';

const REASONS = {
  NotAllowedError: 'The camera is not allowed for this page: allow it in the address bar and start again.',
  NotFoundError: 'There is no camera.',
  NotReadableError: 'The camera is in use by another program.',
};

export class Camera {
  constructor() {
    this.video = document.createElement('video');
    this.video.muted = true;
    this.video.playsInline = true;
    this.stream = null;
  }

  get running() {
    return this.stream !== null;
  }

  /** @throws {UserError} There is no camera, or it may not be used. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new UserError('This browser gives no camera to this page: open it by https, from localhost, or from a disk.');
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    } catch (error) {
      throw new UserError(REASONS[error.name] ?? `The camera cannot be opened: ${error.message}`);
    }
    this.video.srcObject = this.stream;
    await this.video.play();
  }

  /** @returns {ImageData} The frame that is shown now. */
  frame() {
    return pixelsOf(this.video, this.video.videoWidth, this.video.videoHeight);
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }
}
