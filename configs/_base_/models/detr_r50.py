# What is left out here is a constructor default, and the defaults are the paper's settings.
_base_ = './maskformer_r50.py'

model = dict(
    data_preprocessor=dict(size_divisor=1),
    backbone=dict(frozen_stages=1),
    decode_head=dict(type='mmmaskformer.DETRHead'),
    test_cfg=dict(semantic=False),
)
