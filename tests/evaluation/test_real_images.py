"""Two true COCO images through data set, metric, files, and back."""

from __future__ import annotations

import json

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope

from mmmaskformer.datasets import CocoPanopticDataset
from mmmaskformer.evaluation import InstanceAP, PanopticQuality, SemanticPanopticQuality
from mmmaskformer.evaluation.prediction_files import read_id_png

PIPELINE = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True),
]


@pytest.fixture
def folder(shared):
    return shared / 'data/coco_panoptic_sample'


def load(folder) -> CocoPanopticDataset:
    init_default_scope('mmseg')
    return CocoPanopticDataset(
        data_root=str(folder),
        ann_file='panoptic_examples.json',
        data_prefix=dict(img_path='input_images', seg_map_path='panoptic_examples'),
        categories='coco_panoptic',
        pipeline=PIPELINE,
    )


def perfect(dataset) -> list:
    """Samples whose prediction is the ground truth, without crowds."""
    samples = [dataset[i]['data_samples'] for i in range(len(dataset))]
    for sample in samples:
        predicted_segments = [dict(s, score=1.0) for s in sample.gt_segments_info if not s['iscrowd']]
        ids = sample.gt_panoptic_seg.data.int()
        wanted = torch.tensor([s['id'] for s in predicted_segments], dtype=torch.int32)
        things = [s for s in predicted_segments if s['isthing']]
        sample.set_data(
            dict(
                pred_panoptic_seg=type(sample.gt_panoptic_seg)(data=ids * torch.isin(ids, wanted)),
                pred_segments_info=predicted_segments,
                pred_sem_seg=sample.gt_sem_seg,
                pred_instances=dict(
                    labels=torch.tensor([s['category_id'] for s in things]),
                    scores=torch.ones(len(things)),
                    masks=torch.cat([ids == s['id'] for s in things]),
                ),
            )
        )
    return samples


def test_ground_truth_against_itself_is_perfect_in_memory_and_in_files(folder, tmp_path):
    dataset = load(folder)
    prefix = str(tmp_path / 'run')
    evaluator = Evaluator([PanopticQuality(outfile_prefix=prefix), SemanticPanopticQuality(), InstanceAP()])
    evaluator.dataset_meta = dataset.metainfo
    samples = perfect(dataset)
    evaluator.process(samples)
    metrics = evaluator.evaluate(len(samples))
    assert {name: value for name, value in metrics.items() if value < 100 - 1e-9} == {}
    assert metrics['PQ'] == metrics['PQ_th'] == metrics['PQ_st'] == metrics['PQ_sem'] == 100

    written = json.loads((tmp_path / 'run.panoptic.json').read_text())
    annotations_by_image = {
        a['image_id']: a for a in json.loads((folder / 'panoptic_examples.json').read_text())['annotations']
    }
    for entry in written['annotations']:
        true = annotations_by_image[entry['image_id']]
        ours = read_id_png(tmp_path / 'run.panoptic' / entry['file_name'])
        ids = read_id_png(folder / 'panoptic_examples' / true['file_name'])
        areas = sorted(
            ((ids == s['id']).sum(), s['category_id']) for s in true['segments_info'] if not s['iscrowd']
        )
        assert areas == sorted(((ours == s['id']).sum(), s['category_id']) for s in entry['segments_info'])


def test_panopticapi_finds_the_files_perfect(folder, tmp_path):
    evaluation = pytest.importorskip('panopticapi.evaluation')
    dataset = load(folder)
    metric = PanopticQuality(outfile_prefix=str(tmp_path / 'run'), format_only=True)
    metric.dataset_meta = dataset.metainfo
    metric.process({}, [sample.to_dict() for sample in perfect(dataset)])
    assert metric.evaluate(2) == {}
    ground_truth = json.loads((folder / 'panoptic_examples.json').read_text())
    written_entries = {
        a['image_id']: a for a in json.loads((tmp_path / 'run.panoptic.json').read_text())['annotations']
    }
    pairs = [(entry, written_entries[entry['image_id']]) for entry in ground_truth['annotations']]
    categories = {category['id']: category for category in ground_truth['categories']}
    stat = evaluation.pq_compute_single_core(
        0, pairs, str(folder / 'panoptic_examples'), str(tmp_path / 'run.panoptic'), categories
    )
    assert stat.pq_average(categories, None)[0]['pq'] == 1
