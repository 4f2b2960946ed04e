_base_ = '../../../configs/_base_/models/mask2former_swin-t.py'
default_scope = 'mmseg'
model = dict(
    backbone=dict(
        _delete_=True,
        type='mmpretrain.SwinTransformer',
        arch=dict(embed_dims=8, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8]),
        window_size=4,
        img_size=64,
        drop_path_rate=0.0,
        out_indices=(0, 1, 2, 3),
        pad_small_map=True,
    ),
    decode_head=dict(
        in_channels=[8, 16, 32, 64],
        num_classes=5,
        num_queries=9,
        pixel_decoder=dict(
            type='mmmaskformer.MSDeformAttnPixelDecoder',
            channels=64,
            mask_channels=24,
            num_layers=2,
            num_heads=4,
            ffn_channels=48,
        ),
        transformer_decoder=dict(
            type='mmmaskformer.Mask2FormerTransformerDecoder',
            channels=64,
            num_layers=3,
            num_heads=4,
            ffn_channels=48,
        ),
        criterion=dict(type='mmmaskformer.Mask2FormerCriterion', num_points=48),
    ),
)
