_base_ = '../maskformer/maskformer_r50_8xb2-160k_ade20k-512x512.py'

# Each pixel goes to one query, in place of the sum over the queries of a class; training is the same.
model = dict(test_cfg=dict(semantic='general'))
