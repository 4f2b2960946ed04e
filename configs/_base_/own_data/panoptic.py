# COCO's panoptic files, for configs that `mmmaskformer new` writes.
_base_ = ['../datasets/panoptic.py', '../datasets/pipelines.py']
