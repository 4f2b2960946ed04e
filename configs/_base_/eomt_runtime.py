_base_ = './default_runtime.py'

custom_hooks = [*_base_.custom_hooks, dict(type='mmmaskformer.MaskAnnealingHook')]
