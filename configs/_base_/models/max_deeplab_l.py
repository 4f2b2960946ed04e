# A wide ResNet, dual-path layers from stage 4 on, and a decoder that goes to stride 4 and back twice.
_base_ = './max_deeplab_s.py'

model = dict(
    backbone=dict(
        num_blocks=(3, 6, 3, 3),
        wide=True,
        memory_channels=512,
        transformer_channels=256,
        memory_stride=16,
        bottleneck_expansion=4,
        key_expansion=2,
        value_expansion=4,
        backbone_stacks=1,
        extra_stacks=1,
        decoder_blocks=3,
        drop_path_stride=4,
        with_cp=True,
    ),
    decode_head=dict(in_channels=[256, 512, 256, 256, 512], slot_channels=512, pool_window=65),
)
