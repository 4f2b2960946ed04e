_base_ = './maskformer_swin-b.py'

zoo = 'https://download.openmmlab.com/mmclassification/v0/swin-transformer/convert'
checkpoint = f'{zoo}/swin-large_3rdparty_in21k-384px.pth'
model = dict(
    backbone=dict(arch='large', init_cfg=dict(checkpoint=checkpoint)),
    decode_head=dict(in_channels=[192, 384, 768, 1536]),
)
