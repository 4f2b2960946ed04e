# All 847 classes, labels of 16 bits; 65535 is ignored, since 255 is a class. The folders have the names and
# contents of the original script; tools/dataset_converters/ade20k_full.py writes them.
_base_ = ['./loaders.py', './pipelines.py']

dataset_type = 'mmmaskformer.Ade20kFullDataset'
data_root = 'data/ade/ADE20K_2021_17_01'
crop_size = (512, 512)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'semantic', 512, crop_size, pad_val=dict(img=128)
)


def dataset(split, pipeline):
    folders = dict(img_path=f'images_detectron2/{split}', seg_map_path=f'annotations_detectron2/{split}')
    return dict(type=dataset_type, data_root=data_root, data_prefix=folders, pipeline=pipeline)


train_dataloader = dict(dataset=dataset('training', train_pipeline))
val_dataloader = dict(dataset=dataset('validation', test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
