_base_ = 'mmseg::_base_/default_runtime.py'

custom_imports = dict(imports=['mmmaskformer'], allow_failed_imports=False)
# cuDNN would try its algorithms for each new size of images: 20 seconds of an H100 for a step of R50.
env_cfg = dict(cudnn_benchmark=False)
custom_hooks = [
    dict(type='mmmaskformer.CheckDatasetHook'),
    dict(type='mmmaskformer.ShareBuffersHook'),
    dict(type='mmmaskformer.ResumeByConfigHook'),
    dict(type='mmmaskformer.ExactResumeHook'),
    dict(type='mmmaskformer.FiniteLossHook'),
    dict(type='mmmaskformer.DataReportHook'),
]
default_hooks = dict(
    timer=dict(type='mmmaskformer.TimeLeftHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='mmmaskformer.CrashSafeCheckpointHook',
        by_epoch=False,
        interval=5000,
        save_best='mIoU',
        rule='greater',
        max_keep_ckpts=3,
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='mmmaskformer.ResultHook'),
)
visualizer = dict(type='mmmaskformer.SegmentVisualizer', alpha=0.6)
tta_model = dict(_delete_=True, type='mmmaskformer.MaskFormerTTAModel')
