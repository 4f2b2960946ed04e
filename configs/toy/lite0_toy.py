_base_ = './maskformer_efficientnet-lite0_toy-panoptic.py'
