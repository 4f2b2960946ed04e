_base_ = './per_pixel_baseline_r50_8xb4-60k_coco-stuff10k-640x640.py'

model = dict(decode_head=dict(type='mmmaskformer.PerPixelBaselinePlusHead'))
