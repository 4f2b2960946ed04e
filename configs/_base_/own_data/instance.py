# COCO's instance files, for configs that `mmmaskformer new` writes; they name the file to evaluate with.
_base_ = ['../datasets/loaders.py', '../datasets/pipelines.py']

train_dataloader = dict(dataset=dict(filter_cfg=dict(filter_empty_gt=True)))
val_dataloader = dict(dataset=dict(test_mode=True))
test_dataloader = val_dataloader
val_evaluator = dict(type='mmmaskformer.InstanceAP')
test_evaluator = val_evaluator
