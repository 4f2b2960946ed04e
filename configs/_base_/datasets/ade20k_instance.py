# Files written by tools/dataset_converters/ade20k_instance.py beside MMSegmentation's ADE20K.
_base_ = ['./instance.py', './pipelines.py']

data_root = 'data/ade/ADEChallengeData2016'
crop_size = (640, 640)
train_pipeline, test_pipeline, tta_pipeline = _base_.pop('pipelines').short_edges('instance', 640, crop_size)
train_pipeline.insert(-1, dict(type='mmmaskformer.PadSegments', size=crop_size, img_pad_val=128))
tta_pipeline = None  # it averages semantic scores, for which there is no ground truth here


def dataset(split, name, pipeline):
    folders = dict(img_path=f'images/{split}')
    source = dict(data_root=data_root, data_prefix=folders, categories='ade20k_instance')
    return dict(source, ann_file=f'{name}.json', pipeline=pipeline)


train_dataloader = dict(dataset=dataset('training', 'ade20k_instance_train', train_pipeline))
val_dataloader = dict(dataset=dataset('validation', 'ade20k_instance_val', test_pipeline))
test_dataloader = val_dataloader
