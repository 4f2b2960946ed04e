# A tiny vision transformer from random weights, without layer scales and registers, which help trained ones.
_base_ = './eomt_vit-l.py'

size = (192, 256)
arch = dict(_delete_=True, embed_dims=192, num_layers=8, num_heads=3, feedforward_channels=768)
model = dict(
    backbone=dict(
        arch=arch,
        img_size=size,
        num_registers=0,
        num_query_blocks=3,
        layer_scale_init_value=0.0,
        init_cfg=None,
    ),
    decode_head=dict(
        in_channels=[192],
        num_query_blocks=3,
        criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=3072),
    ),
    test_cfg=dict(_delete_=True, mode='whole'),
)
