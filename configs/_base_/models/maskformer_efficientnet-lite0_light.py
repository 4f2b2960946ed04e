# For small devices: an image of 192x256 in less than 30 ms of one core, with 8 bits. See docs/export.md.
_base_ = './maskformer_efficientnet-lite0_small-data.py'

model = dict(
    decode_head=dict(
        pixel_decoder=dict(channels=64, mask_channels=64, norm_cfg=dict(type='GN', num_groups=16)),
        transformer_decoder=dict(channels=128, ffn_channels=512),
    ),
)
