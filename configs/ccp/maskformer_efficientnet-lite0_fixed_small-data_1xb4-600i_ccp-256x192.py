_base_ = './maskformer_efficientnet-lite0_small-data_1xb4-600i_ccp-256x192.py'

# One query for each class, which learns that class alone.
assigner = dict(_delete_=True, type='mmmaskformer.FixedAssigner')
model = dict(decode_head=dict(num_queries=59, criterion=dict(assigner=assigner)))
