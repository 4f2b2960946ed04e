_base_ = './maskformer_r50.py'

# Six encoder layers in the pixel decoder. COCO pictures are not padded to a multiple of 32, only to the largest
# of a batch in training.
model = dict(
    data_preprocessor=dict(size_divisor=1),
    decode_head=dict(
        num_classes=133,
        pixel_decoder=dict(type='mmmaskformer.TransformerEncoderPixelDecoder', num_layers=6),
    ),
    test_cfg=dict(
        mode='whole',
        semantic=True,
        postprocess='before',
        panoptic=dict(score_thr=0.8, overlap_thr=0.8),
        instance=None,
    ),
)
