# The data of mapillary_1280x1280.py in Mask2Former's crops.
_base_ = './mapillary_1280x1280.py'

crop_size = (1024, 1024)
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
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
