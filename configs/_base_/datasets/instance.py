# Loaders and metric of the instance data sets: JSON files of COCO's format, one for each split.
_base_ = './loaders.py'

dataset_type = 'mmmaskformer.CocoInstanceDataset'
train_dataloader = dict(dataset=dict(type=dataset_type, filter_cfg=dict(filter_empty_gt=True)))
val_dataloader = dict(dataset=dict(type=dataset_type, test_mode=True))
test_dataloader = val_dataloader
val_evaluator = dict(type='mmmaskformer.InstanceAP')
test_evaluator = val_evaluator
