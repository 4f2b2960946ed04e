_base_ = [
    '../_base_/models/maskformer_efficientnet-lite0_small-data.py',
    '../_base_/datasets/ccp.py',
    '../_base_/schedules/schedule_small-data_600i.py',
    '../_base_/default_runtime.py',
]
# One query for each of the many classes, at home in it for the whole training.
costs = _base_.small_data_head.criterion.assigner.costs[:-1]
costs.append(dict(type='mmmaskformer.HomeQueryCost', num_iterations=600))
model = dict(decode_head=dict(num_classes=59, num_queries=59, criterion=dict(assigner=dict(costs=costs))))
default_hooks = dict(logger=dict(interval=10), checkpoint=dict(interval=150))
randomness = dict(seed=0)
