_base_ = '../../../configs/_base_/models/max_deeplab_s.py'
default_scope = 'mmseg'
norm_cfg = dict(type='BN', momentum=0.01, eps=1e-3)
model = dict(
    backbone=dict(
        num_slots=9,
        stored_slots=12,
        num_blocks=(2, 2, 3, 2),
        base_channels=4,
        stem_channels=8,
        memory_channels=24,
        transformer_channels=16,
        ffn_channels=48,
        drop_path=0.0,
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        in_channels=[16, 32, 128, 16, 24],
        num_classes=5,
        slot_channels=20,
        embedding_channels=14,
        pixel_channels=18,
        semantic_channels=16,
        low_channels=(10, 6),
        semantic_head_channels=18,
        dropout=0.0,
        norm_cfg=norm_cfg,
    ),
    test_cfg=dict(panoptic=dict(score_thr=0.3, pixel_thr=0.2, thing_area=20, stuff_area=60)),
)
