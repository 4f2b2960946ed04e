"""Classes of a sample for `ClassBalancedDataset`, over every data set and under every wrapper."""

from __future__ import annotations

import json

import numpy as np
import pytest
from label_maps import MAPS, write_label_maps
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATASETS
from small_coco import CATEGORIES, document
from torch.utils.data import BatchSampler, DataLoader, Subset

from mmmaskformer.datasets import CocoInstanceDataset, CocoPanopticDataset
from mmmaskformer.datasets.class_contents import class_counts, contents_of
from mmmaskformer.datasets.dataset_wrappers import unwrapped_datasets
from mmmaskformer.engine.position_seeding import seed_by_position


def balanced(dataset: dict, **changes) -> dict:
    return dict(type='ClassBalancedDataset', oversample_thr=1.0, dataset=dataset, **changes)


def test_repetitions_by_hand(tmp_path):
    """Of four images 4 have sky, 2 road, 1 car: they come 1, sqrt(4 / 2), sqrt(4 / 1) times, rounded up."""
    dataset = DATASETS.build(balanced(write_label_maps(tmp_path)))
    assert [dataset.dataset.get_cat_ids(i) for i in range(4)] == [[0, 1], [0], [0], [0, 1, 2]]
    assert dataset.repeat_indices == [0, 0, 1, 2, 3, 3]
    rare = DATASETS.build(balanced(write_label_maps(tmp_path), lazy_init=True))
    rare.oversample_thr = 0.5
    rare.full_init()
    assert rare.repeat_indices == [0, 1, 2, 3, 3]  # car: sqrt(0.5 / 0.25)


def test_labels_as_training_sees_them(tmp_path):
    """reduce_zero_label, a subset of the classes, and labels of 16 bits."""
    config = write_label_maps(tmp_path, [{0: 4, 1: 8}, {3: 6, 255: 6}])
    assert DATASETS.build(dict(config, reduce_zero_label=True)).get_cat_ids(0) == [0]
    assert DATASETS.build(dict(config, reduce_zero_label=True)).get_cat_ids(1) == [2]
    plain = dict(config, pipeline=[dict(type='mmseg.LoadAnnotations')])
    assert DATASETS.build(plain).get_cat_ids(1) == [3]
    names = tuple(map(str, range(400)))
    wide = write_label_maps(tmp_path / 'wide', [{255: 6, 300: 3, 65535: 3}])
    dataset = DATASETS.build(dict(wide, metainfo=dict(classes=names), pipeline=[]))
    assert dataset.get_cat_ids(0) == [255, 300]
    ade = dict(write_label_maps(tmp_path / 'ade', [{1: 6, 2: 6}]), type='mmseg.ADE20KDataset')
    ade.update(metainfo=dict(classes=('building', 'wall')), reduce_zero_label=True)
    assert DATASETS.build(ade).get_cat_ids(0) == [0, 1]


def test_label_maps_are_read_once(tmp_path):
    dataset = DATASETS.build(write_label_maps(tmp_path))
    assert dataset.get_cat_ids(3) == [0, 1, 2]
    for path in (tmp_path / 'ann').iterdir():
        path.unlink()
    assert dataset.get_cat_ids(0) == [0, 1]
    (content,) = contents_of(dataset, [2])
    assert content.pixels.tolist() == [8]
    assert (content.void, content.outside) == (4, (255,))


def write_objects(folder) -> str:
    """Three images: two cats and a crowd of dogs; a dog; nothing."""
    square = [[0, 0, 2, 0, 2, 2, 0, 2]]
    entries = [(1, 7, 0), (1, 7, 0), (1, 90, 1), (2, 90, 0)]
    annotations = [
        dict(id=i, image_id=image, category_id=category, iscrowd=crowd, area=4, segmentation=square)
        for i, (image, category, crowd) in enumerate(entries, start=1)
    ]
    images = [dict(id=i, file_name=f'{i}.jpg', height=4, width=4) for i in (1, 2, 3)]
    path = folder / 'instances.json'
    path.write_text(json.dumps(dict(images=images, annotations=annotations, categories=CATEGORIES)))
    return str(path)


def test_coco_needs_no_files_but_the_json(tmp_path):
    (tmp_path / 'annotations.json').write_text(json.dumps(document()))
    panoptic = CocoPanopticDataset(str(tmp_path / 'annotations.json'))
    assert panoptic.get_cat_ids(0) == [0, 1, 2]  # the crowd is a second cat
    instances = CocoInstanceDataset(write_objects(tmp_path))
    assert [instances.get_cat_ids(i) for i in range(3)] == [[0], [2], []]
    wrapped = balanced(dict(type='mmmaskformer.CocoInstanceDataset', ann_file=instances.ann_file))
    assert DATASETS.build(wrapped).repeat_indices == [0, 0, 1, 1, 2]  # cat and dog in one of three each


def test_under_wrappers(tmp_path):
    config = write_label_maps(tmp_path)
    mixed = dict(type='mmseg.MultiImageMixDataset', dataset=config, pipeline=[])
    for wrapped in (
        dict(type='ConcatDataset', datasets=[config]),
        dict(type='mmmaskformer.SkipBadSamples', dataset=config),
        dict(type='RepeatDataset', times=1, dataset=config),
        mixed,
    ):
        assert DATASETS.build(balanced(wrapped)).repeat_indices == [0, 0, 1, 2, 3, 3], wrapped['type']
    twice = DATASETS.build(balanced(dict(type='ConcatDataset', datasets=[config, config])))
    assert twice.repeat_indices == [0, 0, 1, 2, 3, 3, 4, 4, 5, 6, 7, 7]


@pytest.mark.parametrize('outside', [True, False])
def test_bad_label_maps(tmp_path, outside):
    config = write_label_maps(tmp_path)
    (tmp_path / 'ann/1.png').write_bytes(b'')
    (tmp_path / 'ann/2.png').unlink()
    with pytest.raises(ValueError, match=r'The label map .*1\.png cannot be read'):
        DATASETS.build(balanced(config))
    skipping = dict(type='mmmaskformer.SkipBadSamples')
    config = dict(skipping, dataset=balanced(config)) if outside else balanced(dict(skipping, dataset=config))
    dataset = DATASETS.build(config)
    labels = [int(dataset[i]['data_samples'].gt_sem_seg.data[0, 2, 3]) for i in range(len(dataset))]
    assert labels == [1, 1, 2, 2, 2, 2]  # 0 and 3 come twice; those after 0 and 1 stand in for 1 and 2


def test_numbered_samples(tmp_path):
    """What `ExactResumeHook` draws: with class balancing, too, a resumed run has the same batches."""
    dataset = DATASETS.build(balanced(write_label_maps(tmp_path)))

    def batches(done):
        loader = DataLoader(
            dataset, batch_sampler=BatchSampler(DefaultSampler(dataset, seed=3), 2, False), collate_fn=list
        )
        numbered = seed_by_position(loader, seed=3, endless=False, done=done)
        return [[one['data_samples'].img_path for one in batch] for batch in numbered]

    whole = batches(0)
    names = sorted(path.rsplit('/')[-1] for batch in whole for path in batch)
    assert names == ['0.jpg', '0.jpg', '1.jpg', '2.jpg', '3.jpg', '3.jpg']
    assert batches(1) == whole[1:]


def test_leaves_and_their_times(tmp_path):
    plain = DATASETS.build(write_label_maps(tmp_path))
    assert unwrapped_datasets(plain)[0].times.tolist() == [1, 1, 1, 1]
    repeated = dict(type='RepeatDataset', times=3, dataset=balanced(write_label_maps(tmp_path)))
    both = unwrapped_datasets(DATASETS.build(dict(type='ConcatDataset', datasets=[plain, repeated])))
    assert [part.times.tolist() for part in both] == [[1, 1, 1, 1], [6, 3, 3, 6]]
    assert [part.times.tolist() for part in unwrapped_datasets(Subset(plain, [0, 0, 3]))] == [[2, 0, 0, 1]]


def test_counts_by_hand(tmp_path):
    dataset = DATASETS.build(write_label_maps(tmp_path))
    assert class_counts(dataset, 4).tolist() == [4, 2, 1, 0]
    assert class_counts(dataset, 4, of_pixels=True).tolist() == [29, 9, 6, 0]
    assert sum(sum(counts.values()) for counts in MAPS) == 29 + 9 + 6 + 4
    assert class_counts(DATASETS.build(balanced(write_label_maps(tmp_path))), 4).tolist() == [6, 4, 2, 0]
    instances = CocoInstanceDataset(write_objects(tmp_path))
    assert class_counts(instances, 3).tolist() == [2, 0, 1]
    assert class_counts(instances, 3, of_pixels=True).tolist() == [8, 0, 4]


def test_pixels_need_areas(tmp_path):
    segments = [dict(id=5, category_id=7, iscrowd=0)]
    (tmp_path / 'annotations.json').write_text(json.dumps(document(segments)))
    dataset = CocoPanopticDataset(str(tmp_path / 'annotations.json'))
    assert class_counts(dataset, 3).tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match=r'a segment of .*a\.jpg has no area'):
        class_counts(dataset, 3, of_pixels=True)


def test_a_loader_of_ones_own(tmp_path):
    """Label maps that no file holds: the pipeline is run as far as the labels."""

    class Halves:
        def __call__(self, results):
            return dict(results, gt_seg_map=np.repeat([0, 3], 6).reshape(3, 4))

    dataset = DATASETS.build(write_label_maps(tmp_path))
    dataset.pipeline.transforms = [Halves(), None]
    assert dataset.get_cat_ids(0) == [0, 3]


def test_what_a_fork_or_a_subclass_has_stays():
    from mmengine.dataset import BaseDataset
    from mmseg.datasets import BaseSegDataset

    class Own(BaseSegDataset):
        def get_cat_ids(self, idx):
            return [7]

    assert Own(lazy_init=True).get_cat_ids(0) == [7]
    with pytest.raises(NotImplementedError):
        BaseDataset(lazy_init=True).get_cat_ids(0)
