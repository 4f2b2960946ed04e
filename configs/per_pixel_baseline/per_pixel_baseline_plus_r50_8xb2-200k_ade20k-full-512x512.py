_base_ = './per_pixel_baseline_r50_8xb2-200k_ade20k-full-512x512.py'

model = dict(decode_head=dict(type='mmmaskformer.PerPixelBaselinePlusHead'))
