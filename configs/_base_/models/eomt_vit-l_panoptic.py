# An image fits a square, which is padded at the right or at the bottom.
_base_ = './eomt_vit-l.py'

size = (640, 640)
results = dict(postprocess='before', panoptic=dict(), instance=dict(stuff_competes=True))
model = dict(
    data_preprocessor=dict(size_divisor=None, size=size),
    backbone=dict(img_size=size),
    decode_head=dict(num_queries=200),
    test_cfg=dict(_delete_=True, mode='whole', **results),
)
