# Label maps, for configs that `mmmaskformer new` writes.
_base_ = ['../datasets/loaders.py', '../datasets/pipelines.py']

val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
