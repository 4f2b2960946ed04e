# Of configs that `mmmaskformer new` writes: the best checkpoint is kept, and training ends early.
_base_ = '../default_runtime.py'

default_hooks = dict(logger=dict(interval=10), checkpoint=dict(max_keep_ckpts=1))
custom_hooks = [*_base_.custom_hooks, dict(type='mmmaskformer.EarlyStoppingHook', patience=5)]
randomness = dict(seed=0)


def poly(max_iters, warm_up):
    """A linear warm-up, and a polynomial decay that ends with training; both count one step more."""
    return [
        dict(type='LinearLR', start_factor=1e-6, begin=0, end=warm_up + 1, by_epoch=False),
        dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=max_iters + 1, by_epoch=False),
    ]


schedules = dict(poly=poly)  # `_base_.pop('schedules').poly(...)`: MMEngine drops functions
