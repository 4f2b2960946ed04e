# Drawn scenes of 192x256, written by tools/dataset_converters/toy.py (or make demo).
_base_ = ['./loaders.py', './pipelines.py']

dataset_type = 'mmmaskformer.ToyDataset'
data_root = 'data/toy'
image_size = (160, 120)  # width, height the scenes are used at
crop_size = (96, 128)  # height, width
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').random_sizes(
    'semantic', image_size, crop_size, (0.8, 1.25), (96, 120, 150), distort=False
)
loader = dict(
    batch_size=8, num_workers=0, persistent_workers=False
)  # workers would take the cores from training


def dataset(split, pipeline):
    folders = dict(img_path=f'images/{split}', seg_map_path=f'annotations/{split}')
    return dict(type=dataset_type, data_root=data_root, data_prefix=folders, pipeline=pipeline)


train_dataloader = dict(**loader, dataset=dataset('training', train_pipeline))
val_dataloader = dict(**loader, dataset=dataset('validation', test_pipeline))
test_dataloader = val_dataloader
del loader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
