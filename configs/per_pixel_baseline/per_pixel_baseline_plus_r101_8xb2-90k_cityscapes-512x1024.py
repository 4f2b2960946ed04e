_base_ = './per_pixel_baseline_r101_8xb2-90k_cityscapes-512x1024.py'

model = dict(decode_head=dict(type='mmmaskformer.PerPixelBaselinePlusHead'))
