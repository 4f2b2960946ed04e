_base_ = '../../../configs/_base_/models/detr_r50.py'
default_scope = 'mmseg'
model = dict(
    backbone=dict(stem_channels=8, base_channels=4, init_cfg=None),
    decode_head=dict(
        in_channels=[16, 32, 64, 128],
        num_classes=6,
        num_queries=9,
        encoder=dict(
            type='mmmaskformer.DETREncoder', channels=128, num_layers=2, ffn_channels=64, dropout=0.0
        ),
        transformer_decoder=dict(
            type='mmmaskformer.MaskFormerTransformerDecoder', num_layers=3, ffn_channels=64, dropout=0.0
        ),
    ),
    test_cfg=dict(panoptic=dict(score_thr=0.4), instance=dict()),
)
