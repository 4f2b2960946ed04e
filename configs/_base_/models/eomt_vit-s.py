_base_ = './eomt_vit-l.py'

weights = 'https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_reg4_pretrain.pth'
model = dict(
    backbone=dict(arch='small', num_query_blocks=3, init_cfg=dict(checkpoint=weights)),
    decode_head=dict(in_channels=[384], num_query_blocks=3),
)
