"""mIoU with the IoU of every class among the results."""

from __future__ import annotations

import numpy as np
from mmseg.evaluation import IoUMetric

from ..registry import METRICS

CLASS_PREFIX = 'IoU.'


@METRICS.register_module()
class ClassIoU(IoUMetric):
    """mmseg's `IoUMetric`, whose results also have ``IoU.<class>`` of every class, in percent."""

    def compute_metrics(self, results: list) -> dict[str, float]:
        """See `IoUMetric`; a class that occurs neither in truth nor in predictions has nan."""
        if self.format_only:
            return super().compute_metrics(results)
        intersection, union = (sum(parts).double().numpy() for parts in list(zip(*results))[:2])
        with np.errstate(invalid='ignore'):
            values = 100 * intersection / union
        names = (f'{CLASS_PREFIX}{name}' for name in self.dataset_meta['classes'])
        return {**super().compute_metrics(results), **dict(zip(names, values.tolist()))}
