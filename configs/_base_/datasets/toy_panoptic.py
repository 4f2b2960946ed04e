# The drawn scenes of toy.py with their segments.
_base_ = './toy.py'

dataset_type = 'mmmaskformer.ToyPanopticDataset'

train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='RandomResize', scale=_base_.image_size, ratio_range=(0.8, 1.25), keep_ratio=True),
    dict(type='RandomCrop', crop_size=_base_.crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(type='Resize', scale=_base_.image_size, keep_ratio=True),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True),
]
tta_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale=(2 * edge, edge), keep_ratio=True) for edge in (96, 120, 150)],
            [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)],
            [dict(type='mmmaskformer.LoadPanopticAnnotations')],
            [dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True)],
        ],
    ),
]

train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        ann_file='panoptic_training.json',
        data_prefix=dict(seg_map_path='panoptic_training'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        ann_file='panoptic_validation.json',
        data_prefix=dict(seg_map_path='panoptic_validation'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    _base_.val_evaluator,
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='mmmaskformer.InstanceAP'),
]
test_evaluator = val_evaluator
