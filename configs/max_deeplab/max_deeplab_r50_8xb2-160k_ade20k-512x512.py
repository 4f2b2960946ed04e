# MaskFormer's R50 model with MaX-DeepLab's losses.
_base_ = '../maskformer/maskformer_r50_8xb2-160k_ade20k-512x512.py'
model = dict(decode_head=dict(type='mmmaskformer.MaXDeepLabHead', num_queries=128))
