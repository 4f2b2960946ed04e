import assert from 'node:assert/strict';
import { test } from 'node:test';

import { panopticSegments } from '../src/postprocess/panoptic.js';
import { semanticMap } from '../src/postprocess/semantic.js';
import { fixtures, logits } from './fixtures.js';

const [height, width] = fixtures.logits_size;

function differing(actual, expected) {
  assert.equal(actual.length, expected.length);
  return expected.filter((value, index) => value !== actual[index]).length;
}

fixtures.semantic.forEach((fixture, index) => {
  test(`label map ${index} equals semantic_label_map`, () => {
    const { size, before, num_classes: numClasses } = fixture;
    const [classLogits, maskLogits] = [logits(fixture.class_logits), logits(fixture.mask_logits)];
    const settings = { numClasses, void: 255, before };
    const found = semanticMap({ classLogits, maskLogits, height, width }, size, settings);
    assert.equal(differing(found.labels, fixture.labels), 0);
    assert.ok(found.confidence.some((value) => value > 0));
  });
});

fixtures.per_pixel.forEach((fixture, index) => {
  test(`label map ${index} of a per-pixel model equals the one of its resized logits`, () => {
    const settings = { numClasses: fixture.num_classes, void: 255, before: false, areLogits: true };
    const found = semanticMap({ scores: logits(fixture.logits), height, width }, fixture.size, settings);
    assert.equal(differing(found.labels, fixture.labels), 0);
  });
});

fixtures.panoptic.forEach((fixture, index) => {
  test(`segments ${index} equal panoptic_segments`, () => {
    const [classLogits, maskLogits] = [logits(fixture.class_logits), logits(fixture.mask_logits)];
    const settings = {
      isThing: fixture.is_thing,
      scoreThr: fixture.thresholds.score_thr,
      overlapThr: fixture.thresholds.overlap_thr,
      maskThr: fixture.thresholds.mask_thr ?? 0,
    };
    const found = panopticSegments({ classLogits, maskLogits, height, width }, fixture.size, settings);
    assert.equal(differing(found.ids, fixture.ids), 0);
    assert.deepEqual(
      found.segments.map(({ id, label, isThing }) => ({ id, label, isThing })),
      fixture.segments.map((s) => ({ id: s.id, label: s.category_id, isThing: s.isthing })),
    );
    found.segments.forEach((segment, number) => {
      assert.ok(Math.abs(segment.score - fixture.segments[number].score) < 1e-6);
    });
  });
});

test('a segment whose pixels are all below the threshold of masks is dropped, as in Python', () => {
  const prediction = { classLogits: Float32Array.of(9, 0), maskLogits: Float32Array.of(0.4), height: 1, width: 1 };
  const size = { padded: [4, 4], image: [4, 4], output: [4, 4] };
  const settings = { isThing: [true], scoreThr: 0.5, overlapThr: 0, maskThr: 0.8 };
  const { ids, segments } = panopticSegments(prediction, size, settings);
  assert.deepEqual(segments, []);
  assert.ok(ids.every((id) => id === 0));
});

test('the fixtures have segments of all kinds', () => {
  const counts = fixtures.panoptic.map((fixture) => fixture.segments.length);
  assert.ok(Math.max(...counts) >= 4, `${counts}`);
  assert.equal(counts.at(-1), 0);
  assert.ok(fixtures.panoptic.some((fixture) => fixture.ids.includes(0) && fixture.segments.length));
});
