_base_ = './maskformer_r18_1xb4-1400i_camvid-192x256.py'

# One query for each class, which learns that class alone.
fixed = dict(type='mmmaskformer.MaskFormerCriterion', assigner=dict(type='mmmaskformer.FixedAssigner'))
model = dict(decode_head=dict(num_queries=11, criterion=fixed))
