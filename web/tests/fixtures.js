/** What the Python functions return (make_fixtures.py). */

import { readFileSync } from 'node:fs';

export const fixtures = JSON.parse(readFileSync(new URL('fixtures.json', import.meta.url)));

export function logits(numbers) {
  return Float32Array.from(numbers, (number) => number / fixtures.unit);
}
