# Images fit a square of half to one and a half times the crop; the data preprocessor pads crops to it.
_base_ = './coco_panoptic.py'

crop_size = (641, 641)
train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(
        type='RandomChoiceResize',
        scales=[(crop_size[0] * tenths // 10, crop_size[1] * tenths // 10) for tenths in range(5, 16)],
        resize_type='Resize',
        keep_ratio=True,
    ),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmmaskformer.PackSegmentInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(type='Resize', scale=crop_size, keep_ratio=True),
    dict(type='mmmaskformer.LoadPanopticAnnotations'),
    dict(type='mmmaskformer.PackSegmentInputs', with_semantic=True),
]
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
