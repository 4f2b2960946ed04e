"""InstanceAP with COCO's files, and COCO's own evaluation of them."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
import torch
from drawn_samples import META, average_precisions, draw_sample, evaluate, objects
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmmaskformer.evaluation import InstanceAP

SAMPLES = [draw_sample(number) for number in range(6)]


def ground_truth_file(path) -> str:
    """The ground truth of SAMPLES as COCO's JSON, with the ids of the data set."""
    annotations = []
    for sample in SAMPLES:
        for segment in sample.gt_segments_info:
            mask = (sample.gt_panoptic_seg.data[0] == segment['id']).numpy()
            run_lengths = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=sample.img_id,
                    category_id=META['category_ids'][segment['category_id']],
                    iscrowd=segment['iscrowd'],
                    area=segment['area'],
                    segmentation=dict(size=run_lengths['size'], counts=run_lengths['counts'].decode()),
                    bbox=coco_mask.toBbox(run_lengths).tolist(),
                )
            )
    images = [
        dict(id=s.img_id, file_name=s.img_path, height=s.ori_shape[0], width=s.ori_shape[1]) for s in SAMPLES
    ]
    categories = [dict(id=i, name=name) for i, name in zip(META['category_ids'], META['classes'])]
    path.write_text(json.dumps(dict(images=images, annotations=annotations, categories=categories)))
    return str(path)


def coco_says(ground_truth: str, results: str, categories: list[int]) -> list[float]:
    """COCOeval on files, as its documentation has it."""
    coco = COCO(ground_truth)
    evaluation = COCOeval(coco, coco.loadRes(results), 'segm')
    evaluation.params.catIds = categories
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    stats = evaluation.stats[:6]
    return np.where(stats < 0, np.nan, 100 * stats).tolist()


def test_ground_truth_of_a_file_and_of_samples_and_cocoeval_on_files_agree(tmp_path):
    ground_truth = ground_truth_file(tmp_path / 'ground_truth.json')
    from_samples = evaluate(InstanceAP(outfile_prefix=str(tmp_path / 'a/run')), SAMPLES)
    from_file = evaluate(InstanceAP(ann_file=ground_truth), SAMPLES)
    assert from_samples == pytest.approx(from_file, nan_ok=True)
    assert coco_says(ground_truth, str(tmp_path / 'a/run.segm.json'), [7, 1]) == pytest.approx(
        average_precisions(from_file), nan_ok=True
    )


def test_results_alone(tmp_path):
    samples = deepcopy(SAMPLES)
    for sample in samples:
        del sample.gt_panoptic_seg
    metric = InstanceAP(outfile_prefix=str(tmp_path / 'run'), format_only=True)
    assert evaluate(metric, samples) == {}
    results = json.loads((tmp_path / 'run.segm.json').read_text())
    assert len(results) == sum(len(sample.pred_instances) for sample in samples)
    assert {result['category_id'] for result in results} == {7, 1}
    first = samples[0].pred_instances
    assert (coco_mask.decode(results[0]['segmentation']) == first.masks[0].numpy()).all()
    assert results[0]['score'] == first.scores[0].item()


def test_images_of_the_file_without_samples_are_not_evaluated(tmp_path):
    ground_truth = ground_truth_file(tmp_path / 'ground_truth.json')
    expected = evaluate(InstanceAP(), SAMPLES[:3])
    assert evaluate(InstanceAP(ann_file=ground_truth), SAMPLES[:3]) == pytest.approx(expected, nan_ok=True)


def fault(change=None, meta=META, **settings):
    sample = SAMPLES[0].to_dict()
    sample.update(change or {})
    metric = InstanceAP(**settings)
    metric.dataset_meta = meta
    metric.process({}, [sample])
    metric.evaluate(1)


def test_mistakes_in_one_sentence(tmp_path):
    ground_truth = ground_truth_file(tmp_path / 'ground_truth.json')
    with pytest.raises(ValueError, match=r'000000.jpg: the sample has no pred_instances: enable'):
        fault(dict(pred_instances=None))
    with pytest.raises(ValueError, match=r'000000.jpg: the sample has no gt_panoptic_seg'):
        fault(dict(gt_panoptic_seg=None))
    with pytest.raises(ValueError, match=r'ground truth is .12, 32., but masks are .24, 32.'):
        fault(dict(gt_panoptic_seg=dict(data=torch.zeros(1, 12, 32))))
    with pytest.raises(ValueError, match=r'no img_id'):
        fault(dict(img_id=None), ann_file=ground_truth)
    with pytest.raises(ValueError, match=r'ground_truth.json has no image with the id 77'):
        fault(dict(img_id=77), ann_file=ground_truth)
    with pytest.raises(ValueError, match=r'category_id 7, which is not a category'):
        fault(meta={**META, 'category_ids': (40, 8, 90, 1, 22)}, ann_file=ground_truth)
    with pytest.raises(ValueError, match=r"needs 'thing_classes'"):
        fault(meta=dict(classes=META['classes']))
    with pytest.raises(ValueError, match=r'labels from 1 to 3, expected classes .0 to 1.'):
        fault(meta=dict(classes=('a', 'b'), thing_classes=('a', 'b')))


def test_real_images_by_cocoeval_on_files(shared, tmp_path):
    """Every third object of 40 photographs is lost, the others are shifted; classes are as in the file."""
    ground_truth = shared / 'data/coco126/instances.json'
    coco = COCO(str(ground_truth))
    things = [category['name'] for category in coco.dataset['categories']]
    meta = dict(
        classes=things, thing_classes=things, category_ids=[c['id'] for c in coco.dataset['categories']]
    )
    metric = InstanceAP(ann_file=str(ground_truth), outfile_prefix=str(tmp_path / 'run'))
    small = InstanceAP()
    metric.dataset_meta = small.dataset_meta = meta
    rng = np.random.default_rng(0)
    for image in sorted(coco.imgs)[:40]:
        info, found, true = coco.imgs[image], [], []
        for entry in coco.imgToAnns[image]:
            mask, label = coco.annToMask(entry), meta['category_ids'].index(entry['category_id'])
            true.append((torch.from_numpy(mask).bool(), label, entry['iscrowd']))
            if entry['id'] % 3:
                moved = np.roll(mask, rng.integers(0, 12, 2), (0, 1)).astype(bool)
                found.append((torch.from_numpy(moved), label, float(rng.random())))
        sample = objects(image, true, found, (info['height'], info['width'])).to_dict()
        for segment, entry in zip(sample['gt_segments_info'], coco.imgToAnns[image]):
            segment['area'] = entry['area']
        metric.process({}, [sample])
        small.process({}, [sample])
    kept = sorted(coco.imgs)[:40]
    shortened = dict(
        coco.dataset,
        images=[coco.imgs[image] for image in kept],
        annotations=[entry for entry in coco.dataset['annotations'] if entry['image_id'] in kept],
    )
    (tmp_path / 'ground_truth.json').write_text(json.dumps(shortened))
    ours = average_precisions(metric.evaluate(40))
    assert 10 < ours[0] < 70
    expected = coco_says(
        str(tmp_path / 'ground_truth.json'), str(tmp_path / 'run.segm.json'), meta['category_ids']
    )
    assert ours == pytest.approx(expected, abs=1e-9)
    assert average_precisions(small.evaluate(40)) == pytest.approx(expected, abs=1e-9)
