_base_ = './maskformer_r18_toy.py'

# One query for each class, which learns that class alone.
fixed = dict(type='mmmaskformer.MaskFormerCriterion', assigner=dict(type='mmmaskformer.FixedAssigner'))
model = dict(decode_head=dict(num_queries=10, criterion=fixed))
