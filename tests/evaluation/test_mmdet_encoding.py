from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest
import torch
from drawn_samples import META, draw_sample, evaluate
from mmdet.evaluation.metrics import CocoMetric, CocoPanopticMetric
from mmdet.visualization import DetLocalVisualizer
from mmengine.evaluator import Evaluator
from mmengine.structures import PixelData

from mmmaskformer.evaluation import InstanceAP, PanopticQuality
from mmmaskformer.evaluation.mmdet_encoding import mmdet_meta, to_mmdet
from mmmaskformer.evaluation.prediction_files import write_id_png

SAMPLES = [draw_sample(number) for number in range(5)]


def test_meta_in_mmdets_order():
    meta = mmdet_meta({**META, 'other': 1})
    assert meta == dict(
        classes=('car', 'person', 'sky', 'road', 'tree'),
        thing_classes=('car', 'person'),
        stuff_classes=('sky', 'road', 'tree'),
        category_ids=(7, 1, 40, 90, 22),
        palette=[(i, i, i) for i in (1, 3, 0, 2, 4)],
        other=1,
    )


def test_codes_by_hand():
    sample = deepcopy(SAMPLES[0])
    sample.pred_panoptic_seg = PixelData(data=torch.tensor([[[0, 1, 7]]], dtype=torch.int32))
    sample.set_data(dict(pred_segments_info=[dict(id=1, category_id=3), dict(id=7, category_id=2)]))
    assert sample.pred_instances.labels.tolist() == [1, 1, 1, 3, 3]
    result = to_mmdet(sample, META)
    assert result.pred_panoptic_seg.sem_seg.tolist() == [[[5, 1001, 7003]]]
    assert result.pred_instances.labels.tolist() == [0, 0, 0, 1, 1]
    assert result.metainfo == sample.metainfo
    sample.set_data(dict(pred_segments_info=[dict(id=1, category_id=3), dict(id=9, category_id=0)]))
    with pytest.raises(ValueError, match='segment 7 is in pred_panoptic_seg but not in pred_segments_info'):
        to_mmdet(sample, META)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(thing_classes=None), 'add thing_classes to dataset_meta'),
        (dict(classes=('a',) * 1000), 'fewer than 1000 classes'),
    ],
)
def test_mistakes_in_one_sentence(change, message):
    with pytest.raises(ValueError, match=message):
        mmdet_meta({**META, **change})


def ground_truth_files(folder, meta: dict) -> tuple[str, str]:
    """COCO panoptic files of the ground truth, things first, as mmdet wants them."""
    annotations = []
    for sample in SAMPLES:
        ids = sample.gt_panoptic_seg.data[0].numpy()
        write_id_png(ids, folder / f'ground truth/{sample.img_id:06d}.png')
        segments = [
            dict(s, category_id=META['category_ids'][s['category_id']], area=int((ids == s['id']).sum()))
            for s in sample.gt_segments_info
        ]
        name = f'{sample.img_id:06d}.png'
        annotations.append(dict(image_id=sample.img_id, file_name=name, segments_info=segments))
    images = [dict(id=s.img_id, file_name=f'{s.img_id:06d}.jpg', height=24, width=32) for s in SAMPLES]
    categories = [
        dict(id=number, name=name, isthing=int(name in meta['thing_classes']))
        for number, name in zip(meta['category_ids'], meta['classes'])
    ]
    document = dict(images=images, annotations=annotations, categories=categories)
    (folder / 'ground_truth.json').write_text(json.dumps(document))
    return str(folder / 'ground_truth.json'), str(folder / 'ground_truth')


def test_mmdets_panoptic_metric_agrees(tmp_path):
    pytest.importorskip('panopticapi')
    meta = mmdet_meta(META)
    ann_file, folder = ground_truth_files(tmp_path, meta)
    mmdet_evaluator = Evaluator(CocoPanopticMetric(ann_file=ann_file, seg_prefix=folder))
    mmdet_evaluator.dataset_meta = meta
    mmdet_evaluator.process([to_mmdet(sample, META) for sample in SAMPLES])
    mmdet_scores = mmdet_evaluator.evaluate(len(SAMPLES))
    expected = {
        f'coco_panoptic/{name}': value for name, value in evaluate(PanopticQuality(), SAMPLES).items()
    }
    assert mmdet_scores == pytest.approx(expected, abs=1e-9)


def test_mmdets_instance_metric_agrees(tmp_path):
    """CocoMetric on results of its own ground truth: the objects that we evaluate as ground truth."""
    ours = evaluate(InstanceAP(), SAMPLES)
    meta = mmdet_meta(META)
    metric = InstanceAP()
    metric.dataset_meta = META
    annotations = []
    for sample in SAMPLES:
        for entry in metric._annotations(sample.to_dict()):
            annotations.append(
                dict(
                    entry,
                    id=len(annotations) + 1,
                    image_id=sample.img_id,
                    category_id=META['category_ids'][entry['category_id']],
                    bbox=[0, 0, 1, 1],
                )
            )
    images = [dict(id=s.img_id, height=24, width=32) for s in SAMPLES]
    categories = [dict(id=number, name=name) for number, name in zip(meta['category_ids'], meta['classes'])]
    (tmp_path / 'ground_truth.json').write_text(
        json.dumps(dict(images=images, annotations=annotations, categories=categories))
    )
    mmdet_evaluator = Evaluator(CocoMetric(ann_file=str(tmp_path / 'ground_truth.json'), metric='segm'))
    mmdet_evaluator.dataset_meta = meta
    samples = [to_mmdet(sample, META) for sample in SAMPLES]
    for sample in samples:
        sample.pred_instances.bboxes = torch.zeros(len(sample.pred_instances), 4)
    mmdet_evaluator.process(samples)
    mmdet_scores = mmdet_evaluator.evaluate(len(SAMPLES))
    # mmdet rounds to three digits
    assert mmdet_scores['coco/segm_mAP'] == pytest.approx(ours['AP'] / 100, abs=6e-4)
    assert mmdet_scores['coco/segm_mAP_50'] == pytest.approx(ours['AP50'] / 100, abs=6e-4)


def test_mmdets_visualizer_draws_our_results():
    visualizer = DetLocalVisualizer(alpha=0.5)
    visualizer.dataset_meta = mmdet_meta(META)
    shape = 96, 128
    sample = draw_sample(3, shape=shape)
    sample.pred_instances.bboxes = torch.tensor([[0.0, 0.0, 9.0, 9.0]] * len(sample.pred_instances))
    image = np.full((*shape, 3), 128, dtype=np.uint8)
    visualizer.add_datasample('name', image, to_mmdet(sample, META), draw_gt=False, pred_score_thr=0.0)
    drawn = visualizer.get_image()
    assert drawn.shape == image.shape
    assert (drawn[10:] != 128).any(-1).mean() > 0.9
