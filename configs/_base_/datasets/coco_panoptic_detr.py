# Segments, and objects with masks and boxes; no label maps, for which all masks would have to be computed.
_base_ = './coco_panoptic.py'

val_evaluator = [
    dict(type='mmmaskformer.PanopticQuality'),
    dict(type='mmmaskformer.InstanceAP'),
    dict(type='mmmaskformer.InstanceAP', iou_type='bbox'),
]
test_evaluator = val_evaluator
