# The augmentation of COCO panoptic, objects in place of segments.
_base_ = ['./coco_panoptic.py', './pipelines.py']

dataset_type = 'mmmaskformer.CocoInstanceDataset'
val_ann_file = 'annotations/instances_val2017.json'

train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').around(
    'instance', _base_.train_pipeline[2:-1], (_base_.max_size, 800), []
)
tta_pipeline = None  # it averages semantic scores, for which there is no ground truth here


def dataset(images, pipeline, **options):
    return dict(
        _delete_=True,
        type=dataset_type,
        data_root=_base_.data_root,
        ann_file=f'annotations/instances_{images}.json',
        data_prefix=dict(img_path=images),
        categories='coco_instance',
        pipeline=pipeline,
        **options,
    )


train_dataloader = dict(dataset=dataset('train2017', train_pipeline, filter_cfg=dict(filter_empty_gt=True)))
val_dataloader = dict(dataset=dataset('val2017', test_pipeline, test_mode=True))
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True, type='mmmaskformer.InstanceAP', ann_file=f'{_base_.data_root}/{val_ann_file}'
)
test_evaluator = val_evaluator
