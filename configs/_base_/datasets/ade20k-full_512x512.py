# All 847 classes, labels of 16 bits; 65535 is ignored, since 255 is a class. The folders have the names and
# contents of the original script; tools/dataset_converters/ade20k_full.py writes them.
dataset_type = 'mmmaskformer.Ade20kFullDataset'
data_root = 'data/ade/ADE20K_2021_17_01'
crop_size = (512, 512)
train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(
        type='RandomChoiceResize',
        scales=[int(512 * x * 0.1) for x in range(5, 21)],
        resize_type='ResizeShortestEdge',
        max_size=2048,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PhotoMetricDistortion'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=crop_size, pad_val=dict(img=128)),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(type='Resize', scale=(2048, 512), keep_ratio=True),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale=(3584, edge), keep_ratio=True)
                for edge in (256, 384, 512, 640, 768, 896)
            ],
            [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)],
            [dict(type='mmmaskformer.LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(
            img_path='images_detectron2/training', seg_map_path='annotations_detectron2/training'
        ),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_prefix=dict(
            img_path='images_detectron2/validation', seg_map_path='annotations_detectron2/validation'
        ),
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
