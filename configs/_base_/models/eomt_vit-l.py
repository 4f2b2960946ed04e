# What is left out here is a constructor default, and the defaults are EoMT's. Weights are DINOv2's with
# registers, 37 x 37 positions and patches of 14 pixels, which are resized when they are loaded.
size = (512, 512)
model = dict(
    type='mmmaskformer.MaskFormer',
    data_preprocessor=dict(
        type='mmmaskformer.MaskFormerDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        pads_first=True,
        size_divisor=16,
    ),
    backbone=dict(
        type='mmmaskformer.QueryVisionTransformer',
        arch='large',
        img_size=size,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_reg4_pretrain.pth',
        ),
    ),
    decode_head=dict(type='mmmaskformer.EoMTHead', in_channels=[1024], num_classes=150, num_queries=100),
    test_cfg=dict(mode='slide', crop_size=size, stride=size),
)
