# The drawn scenes of toy.py with their segments.
dataset_type = 'mmmaskformer.ToyPanopticDataset'
data_root = 'data/toy'
image_size = (160, 120)  # width, height the scenes are used at
crop_size = (96, 128)  # height, width

train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='RandomResize', scale=image_size, ratio_range=(0.8, 1.25), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,  # loading takes 1 ms a scene; workers would take the cores from training
    persistent_workers=False,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='panoptic_training.json',
        data_prefix=dict(img_path='images/training', seg_map_path='panoptic_training'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,  # loading takes 1 ms a scene; workers would take the cores from training
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='panoptic_validation.json',
        data_prefix=dict(img_path='images/validation', seg_map_path='panoptic_validation'),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='IoUMetric', iou_metrics=['mIoU']),
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='mmmaskformer.InstanceAP'),
]
test_evaluator = val_evaluator
