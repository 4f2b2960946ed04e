# Trained from scratch: batch normalisation learns like every other layer.
_base_ = './mask2former_r50.py'

model = dict(
    backbone=dict(_delete_=True, type='mmpretrain.ResNet', depth=18, out_indices=(0, 1, 2, 3)),
    decode_head=dict(in_channels=[64, 128, 256, 512]),
)
