# Files written by tools/dataset_converters/ade20k_panoptic.py beside MMSegmentation's ADE20K.
_base_ = ['./panoptic.py', './pipelines.py']

dataset_type = 'mmmaskformer.Ade20kPanopticDataset'
data_root = 'data/ade/ADEChallengeData2016'
crop_size = (640, 640)
max_size = 2560
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges(
    'panoptic', 640, crop_size, pad_val=dict(img=128, seg=0)
)


def dataset(split, name, pipeline):
    folders = dict(img_path=f'images/{split}', seg_map_path=name)
    source = dict(type=dataset_type, data_root=data_root, data_prefix=folders)
    return dict(source, ann_file=f'{name}.json', pipeline=pipeline)


train_dataloader = dict(dataset=dataset('training', 'ade20k_panoptic_train', train_pipeline))
val_dataloader = dict(dataset=dataset('validation', 'ade20k_panoptic_val', test_pipeline))
test_dataloader = val_dataloader
