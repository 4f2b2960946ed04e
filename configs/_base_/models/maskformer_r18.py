_base_ = './maskformer_r50.py'

# Trained from scratch: no pre-trained weights, so batch normalisation learns like every other layer.
model = dict(
    backbone=dict(_delete_=True, type='mmpretrain.ResNet', depth=18, out_indices=(0, 1, 2, 3)),
    decode_head=dict(in_channels=[64, 128, 256, 512]),
)
