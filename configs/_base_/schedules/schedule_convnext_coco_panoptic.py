_base_ = './schedule_swin_coco_panoptic.py'

# Layer scales are not decayed, as in ConvNeXt's own training.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(gamma=dict(decay_mult=0.0))))
