"""Submission files of the panoptic metrics."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from drawn_samples import META, draw_sample, evaluate

from mmmaskformer.evaluation import PanopticQuality, SemanticPanopticQuality
from mmmaskformer.evaluation.prediction_files import read_id_png, write_id_png
from mmmaskformer.functional.panoptic_quality import count_panoptic, mean_quality, qualities

SAMPLES = [draw_sample(number) for number in range(5)]


def read_back(folder: Path, prefix: str) -> dict:
    """Image id -> (id map, segments with places among the classes) of written files."""
    document = json.loads((folder / f'{prefix}.panoptic.json').read_text())
    return {
        entry['image_id']: (
            read_id_png(folder / f'{prefix}.panoptic' / entry['file_name']),
            [
                {**s, 'category_id': META['category_ids'].index(s['category_id'])}
                for s in entry['segments_info']
            ],
        )
        for entry in document['annotations']
    }


def test_written_files_have_the_same_quality(tmp_path):
    expected = evaluate(PanopticQuality(outfile_prefix=str(tmp_path / 'a/run')), SAMPLES)
    files = read_back(tmp_path / 'a', 'run')
    assert sorted(files) == [0, 1, 2, 3, 4]
    sums = [
        count_panoptic(
            s.gt_panoptic_seg.data[0].numpy(), files[s.img_id][0], s.gt_segments_info, files[s.img_id][1], 5
        )
        for s in SAMPLES
    ]
    pq = 100 * mean_quality(qualities(sum(sums[1:], sums[0])))[0]
    assert pq == pytest.approx(expected['PQ'], abs=1e-9)
    assert files[0][1][0]['score'] == 0.9


def test_files_without_ground_truth(tmp_path):
    samples = deepcopy(SAMPLES)
    for sample in samples:
        del sample.gt_panoptic_seg, sample.gt_sem_seg
    for kind, prefix in ((PanopticQuality, 'things'), (SemanticPanopticQuality, 'labels')):
        assert evaluate(kind(outfile_prefix=str(tmp_path / prefix), format_only=True), samples) == {}
    for sample in samples:
        ids, _ = read_back(tmp_path, 'things')[sample.img_id]
        assert (ids == sample.pred_panoptic_seg.data[0].numpy()).all()
        ids, segments = read_back(tmp_path, 'labels')[sample.img_id]
        assert (ids == sample.pred_sem_seg.data[0].numpy() + 1).all()
        assert [s['category_id'] for s in segments] == np.unique(sample.pred_sem_seg.data).tolist()


def test_panopticapi_reads_the_files(tmp_path):
    evaluation = pytest.importorskip('panopticapi.evaluation')
    expected = evaluate(PanopticQuality(outfile_prefix=str(tmp_path / 'run')), SAMPLES)
    ids = META['category_ids']
    for sample in SAMPLES:
        write_id_png(
            sample.gt_panoptic_seg.data[0].numpy(), tmp_path / f'ground truth/{sample.img_id:06d}.png'
        )
    written_entries = {
        a['image_id']: a for a in json.loads((tmp_path / 'run.panoptic.json').read_text())['annotations']
    }
    pairs = []
    for sample in SAMPLES:
        segments = [
            dict(
                s, category_id=ids[s['category_id']], area=int((sample.gt_panoptic_seg.data == s['id']).sum())
            )
            for s in sample.gt_segments_info
        ]
        entry = dict(image_id=sample.img_id, file_name=f'{sample.img_id:06d}.png', segments_info=segments)
        pairs.append((entry, written_entries[sample.img_id]))
    categories = {
        number: dict(isthing=int(name in META['thing_classes'])) for number, name in zip(ids, META['classes'])
    }
    stat = evaluation.pq_compute_single_core(
        0, pairs, str(tmp_path / 'ground_truth'), str(tmp_path / 'run.panoptic'), categories
    )
    for ending, isthing in (('', None), ('_th', True), ('_st', False)):
        average, _ = stat.pq_average(categories, isthing)
        for key in ('pq', 'sq', 'rq'):
            assert expected[f'{key.upper()}{ending}'] == pytest.approx(100 * average[key], abs=1e-9)


def test_files_of_two_images_must_not_meet(tmp_path):
    other = deepcopy(SAMPLES[1])
    other.set_metainfo(dict(img_path='elsewhere/000000.png'))
    with pytest.raises(ValueError, match=r'2 images are written to the same file .*000000\.png'):
        evaluate(PanopticQuality(outfile_prefix=str(tmp_path / 'run')), [SAMPLES[0], other])


@pytest.mark.parametrize(
    ('field', 'message'),
    [('category_ids', "needs 'category_ids'"), ('img_id', '000000.jpg: a sample has no img_id')],
)
def test_files_need_the_ids_of_the_data_set(tmp_path, field, message):
    sample = SAMPLES[0].to_dict()
    sample.pop(field, None)
    metric = PanopticQuality(outfile_prefix=str(tmp_path / 'run'))
    metric.dataset_meta = {key: value for key, value in META.items() if key != field}
    with pytest.raises(ValueError, match=message):
        metric.process({}, [sample])


def test_ids_of_more_than_24_bits_are_refused(tmp_path):
    with pytest.raises(ValueError, match='16777216 does not fit'):
        write_id_png(np.array([[2**24]]), tmp_path / 'a.png')
    write_id_png(np.array([[2**24 - 1, 0, 66051]]), tmp_path / 'a.png')
    assert read_id_png(tmp_path / 'a.png').tolist() == [[2**24 - 1, 0, 66051]]
