# The pipelines of data sets, for configs that inherit this file: `_base_.pop('pipelines').short_edges(...)`
# returns those of training, testing and test-time augmentation. They are handed on in a dict because MMEngine
# drops functions; pop takes the dict out of the config.


def ends(task):
    """How the data sets of a task load ground truth, pack it for training, and pack it for testing."""
    if task == 'semantic':
        pack = dict(type='PackSegInputs')
        return dict(type='mmmaskformer.LoadAnnotations'), pack, pack
    load = dict(type=f'mmmaskformer.Load{task.capitalize()}Annotations')
    pack = dict(type='mmmaskformer.PackSegmentInputs')
    return load, pack, dict(pack, with_semantic=True) if task == 'panoptic' else pack


def around(task, augmentation, test_scale, tta_scales):
    """An augmentation between the ends; scales are (long side, short side)."""
    load, pack, pack_tested = ends(task)
    read = dict(type='LoadImageFromFile', _scope_='mmmaskformer')
    resize, *resizes = [
        dict(type='Resize', scale=scale, keep_ratio=True) for scale in (test_scale, *tta_scales)
    ]
    flips = [dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)]
    train = [dict(type='mmmaskformer.LoadImageFromFile'), load, *augmentation, pack]
    test = [read, resize, load, pack_tested]
    tta = [read, dict(type='TestTimeAug', transforms=[resizes, flips, [load], [pack_tested]])]
    return train, test, tta


def crops(resize, crop_size, pad_val=None, distort=True):
    """Crops, flipped; colors are distorted, and crops that are too small padded, where asked for."""
    crop = dict(type='RandomCrop', crop_size=crop_size)
    colors = [dict(type='PhotoMetricDistortion')] if distort else []
    pad = [dict(type='Pad', size=crop_size[::-1], pad_val=pad_val)] if pad_val else []
    return [resize, crop, *colors, dict(type='RandomFlip', prob=0.5), *pad]


def short_edges(task, edge, crop_size, pad_val=None, tenths=range(5, 21), test_scale=None, tta_scales=None):
    """The paper's: the shorter edge is resized to a random number of tenths of `edge`, the aspect stays."""
    scales = [int(edge * x * 0.1) for x in tenths]
    shortest = dict(resize_type='ResizeShortestEdge', max_size=4 * edge)
    resize = dict(type='RandomChoiceResize', scales=scales, **shortest)
    tta_scales = tta_scales or [(7 * edge, edge * quarters // 4) for quarters in range(2, 8)]
    return around(task, crops(resize, crop_size, pad_val), test_scale or (4 * edge, edge), tta_scales)


def random_sizes(task, image_size, crop_size, ratio_range, tta_edges, **options):
    """For small images: a random part or multiple of `image_size` (width, height)."""
    resize = dict(type='RandomResize', scale=image_size, ratio_range=ratio_range, keep_ratio=True)
    tta_scales = [(2 * edge, edge) for edge in tta_edges]
    return around(task, crops(resize, crop_size, **options), image_size, tta_scales)


def fit_square(task, crop_size):
    """Half to one and a half times the crop, aspect kept; those of training and testing alone."""
    scales = [tuple(edge * tenths // 10 for edge in crop_size) for tenths in range(5, 16)]
    resize = dict(type='RandomChoiceResize', scales=scales, resize_type='Resize', keep_ratio=True)
    return around(task, crops(resize, crop_size, distort=False), crop_size, ())[:2]


def fit_window(task, edge, ratio_range, test_scale, pad_val, distort):
    """EoMT's: squares of images that fit a random part or multiple of them."""
    resize = dict(type='RandomResize', scale=(edge, edge), ratio_range=ratio_range, keep_ratio=True)
    tta_scales = [(4 * edge, edge * quarters // 4) for quarters in range(4, 8)]
    return around(task, crops(resize, (edge, edge), pad_val, distort), test_scale, tta_scales)


pipelines = dict(
    around=around,
    short_edges=short_edges,
    random_sizes=random_sizes,
    fit_square=fit_square,
    fit_window=fit_window,
)
