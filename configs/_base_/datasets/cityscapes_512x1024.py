# Folders and metric are MMSegmentation's. Crops are not padded: the images, all of one size, are never
# smaller than the crop. gtFine/*_labelTrainIds.png come from tools/dataset_converters/cityscapes.py.
_base_ = 'mmseg::_base_/datasets/cityscapes.py'

crop_size = (512, 1024)
train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(
        type='RandomChoiceResize',
        scales=[int(1024 * x * 0.1) for x in range(5, 21)],
        resize_type='ResizeShortestEdge',
        max_size=4096,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PhotoMetricDistortion'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(type='Resize', scale=(2048, 1024), keep_ratio=True),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale=(4096, edge), keep_ratio=True) for edge in range(512, 1793, 256)],
            [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)],
            [dict(type='mmmaskformer.LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]

train_dataloader = dict(batch_size=2, num_workers=4, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
