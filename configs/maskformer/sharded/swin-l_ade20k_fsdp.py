# Parameters, gradients and optimizer are split over the GPUs: docs/gpu.md
_base_ = '../maskformer_swin-l-in22k_8xb2-160k_ade20k-640x640.py'

runner_type = 'FlexibleRunner'
strategy = dict(type='FSDPStrategy', state_dict_cfg='full')
