_base_ = './maskformer_efficientnet-lite0_small-data_1xb4-600i_ccp-256x192.py'

# Query k learns class k alone.
assigner = dict(_delete_=True, type='mmmaskformer.FixedAssigner')
model = dict(decode_head=dict(criterion=dict(assigner=assigner)))
