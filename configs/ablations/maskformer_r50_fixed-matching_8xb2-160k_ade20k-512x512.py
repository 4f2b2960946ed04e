_base_ = '../maskformer/maskformer_r50_8xb2-160k_ade20k-512x512.py'

# One query for each class, which learns that class alone.
fixed = dict(type='mmmaskformer.MaskFormerCriterion', assigner=dict(type='mmmaskformer.FixedAssigner'))
model = dict(decode_head=dict(num_queries=150, criterion=fixed))
