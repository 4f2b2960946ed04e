_base_ = '../maskformer_swin-l-in22k_8xb2-160k_ade20k-640x640.py'  # docs/gpu.md

runner_type = 'FlexibleRunner'
strategy = dict(
    type='DeepSpeedStrategy',
    zero_optimization=dict(stage=2),
    gradient_clipping=_base_.optim_wrapper.clip_grad.max_norm,
    train_micro_batch_size_per_gpu=_base_.train_dataloader.batch_size,
)
parts = {name: _base_.optim_wrapper[name] for name in ('constructor', 'optimizer', 'paramwise_cfg')}
optim_wrapper = dict(_delete_=True, type='DeepSpeedOptimWrapper', **parts)
