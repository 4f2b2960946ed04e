_base_ = '../maskformer/maskformer_r50_8xb2-160k_ade20k-512x512.py'

model = dict(decode_head=dict(num_queries=50))
