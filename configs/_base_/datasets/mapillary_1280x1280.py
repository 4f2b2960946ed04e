# Mapillary Vistas v1.2 with 65 classes, in the folders of release 2.0 (for those of release 1.2, set
# seg_map_path to training/labels and validation/labels). "Unlabeled", 65 in the files, is mapped to 255.
_base_ = 'mmseg::_base_/datasets/mapillary_v1_65.py'

crop_size = (1280, 1280)
train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(
        type='RandomChoiceResize',
        scales=[int(2048 * x * 0.1) for x in range(5, 21)],
        resize_type='ResizeShortestEdge',
        max_size=8192,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PhotoMetricDistortion'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=crop_size, pad_val=dict(img=128, seg=255)),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(type='Resize', scale=(2048, 2048), keep_ratio=True),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='Resize', scale=(edge, edge), keep_ratio=True) for edge in (1024, 2048, 3072)],
            [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)],
            [dict(type='mmmaskformer.LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]

train_dataloader = dict(num_workers=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
