# Half of the training images are resized and cropped first, as in DETR.
dataset_type = 'mmmaskformer.CocoPanopticDataset'
data_root = 'data/coco'
max_size = 1333

short_edges = dict(
    type='RandomChoiceResize',
    scales=list(range(480, 801, 32)),
    resize_type='ResizeShortestEdge',
    max_size=max_size,
)
crop = [
    dict(
        type='RandomChoiceResize', scales=[400, 500, 600], resize_type='ResizeShortestEdge', max_size=100000
    ),
    dict(type='mmdet.RandomCrop', crop_type='absolute_range', crop_size=(384, 600)),
]
train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomChoice', transforms=[[short_edges], [*crop, short_edges]]),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(type='Resize', scale=(max_size, 800), keep_ratio=True),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True),
]
tta_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale=(2000, edge), keep_ratio=True) for edge in range(400, 1201, 200)],
            [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)],
            [dict(type='mmmaskformer.LoadPanopticAnnotations')],
            [dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True)],
        ],
    ),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/panoptic_train2017.json',
        data_prefix=dict(img_path='train2017', seg_map_path='annotations/panoptic_train2017'),
        categories='coco_panoptic',
        filter_cfg=dict(filter_empty_gt=True),
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
        ann_file='annotations/panoptic_val2017.json',
        data_prefix=dict(img_path='val2017', seg_map_path='annotations/panoptic_val2017'),
        categories='coco_panoptic',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='IoUMetric', iou_metrics=['mIoU']),
]
test_evaluator = val_evaluator
