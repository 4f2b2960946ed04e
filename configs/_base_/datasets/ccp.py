# Clothing Co-Parsing: photographs of about 550x830 are used at 220x331. There is no test split.
_base_ = './camvid.py'

data_root = 'data/ccp'
crop_size = (256, 192)  # height, width
image_size = (220, 331)  # width, height

train_pipeline = [
    dict(type='mmmaskformer.LoadImageFromFile'),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='RandomResize', scale=image_size, ratio_range=(0.75, 1.5), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='PhotoMetricDistortion'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=crop_size[::-1], pad_val=dict(img=128, seg=255)),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile', _scope_='mmmaskformer'),
    dict(type='Resize', scale=image_size, keep_ratio=True),
    dict(type='mmmaskformer.LoadAnnotations'),
    dict(type='PackSegInputs'),
]

clothing = dict(type='mmmaskformer.ClothingCoParsingDataset', data_root=data_root)
val_dataset = dict(
    **clothing,
    data_prefix=dict(img_path='img/val', seg_map_path='ann/val'),
    pipeline=test_pipeline,
)
train_dataloader = dict(dataset=dict(**clothing, pipeline=train_pipeline))
val_dataloader = dict(dataset=val_dataset)
test_dataloader = dict(dataset=val_dataset)
