# Frames of 480x360 are used at 320x240.
_base_ = ['./loaders.py', './pipelines.py']

dataset_type = 'mmmaskformer.CamVidDataset'
data_root = 'data/camvid'
crop_size = (192, 256)  # height, width
image_size = (320, 240)  # width, height
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').random_sizes(
    'semantic', image_size, crop_size, (0.75, 1.5), (192, 240, 288, 360), pad_val=dict(img=128, seg=255)
)


def dataset(split, pipeline):
    folders = dict(img_path=f'img/{split}', seg_map_path=f'ann/{split}')
    return dict(type=dataset_type, data_root=data_root, data_prefix=folders, pipeline=pipeline)


train_dataloader = dict(batch_size=4, num_workers=2, dataset=dataset('train', train_pipeline))
val_dataloader = dict(num_workers=2, dataset=dataset('val', test_pipeline))
test_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dataset('test', test_pipeline),
)
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
