# A quarter of the channels and few blocks: minutes of training on two CPU cores, in one process.
_base_ = './max_deeplab_s.py'

norm_cfg = dict(type='BN', momentum=0.01, eps=1e-3)
channels = 64
model = dict(
    backbone=dict(
        num_slots=48,
        num_blocks=(1, 1, 2, 1),
        base_channels=16,
        stem_channels=16,
        memory_channels=channels,
        transformer_channels=32,
        ffn_channels=4 * channels,
        drop_path=0.0,
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        in_channels=[64, 128, 512, 64, channels],
        slot_channels=channels,
        embedding_channels=32,
        pixel_channels=channels,
        semantic_channels=channels,
        low_channels=(16, 8),
        semantic_head_channels=channels,
        norm_cfg=norm_cfg,
    ),
)
