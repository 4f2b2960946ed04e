# The augmentation of COCO panoptic, objects in place of segments.
_base_ = 'coco_panoptic.py'

dataset_type = 'mmmaskformer.CocoInstanceDataset'
val_ann_file = 'annotations/instances_val2017.json'

train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadInstanceAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomChoice',
        transforms=[[_base_.short_edges], [*_base_.crop, _base_.short_edges]],
    ),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(type='Resize', scale=(_base_.max_size, 800), keep_ratio=True),
    dict(type='mmmaskformer.LoadInstanceAnnotations'),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
tta_pipeline = None  # it averages semantic scores, for which there is no ground truth here

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=_base_.data_root,
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img_path='train2017'),
        categories='coco_instance',
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type=dataset_type,
        data_root=_base_.data_root,
        ann_file=val_ann_file,
        data_prefix=dict(img_path='val2017'),
        categories='coco_instance',
        test_mode=True,
        pipeline=test_pipeline,
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(
    _delete_=True, type='mmmaskformer.InstanceAP', ann_file=f'{_base_.data_root}/{val_ann_file}'
)
test_evaluator = val_evaluator
