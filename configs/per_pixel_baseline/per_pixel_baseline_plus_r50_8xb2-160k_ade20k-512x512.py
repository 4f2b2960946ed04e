_base_ = './per_pixel_baseline_r50_8xb2-160k_ade20k-512x512.py'

model = dict(decode_head=dict(type='mmmaskformer.PerPixelBaselinePlusHead'))
