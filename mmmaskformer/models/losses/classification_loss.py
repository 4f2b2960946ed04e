"""Cross entropy of all queries, and the weights of its classes: by number, by name, or from training data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import MODELS

INVERSE_SQRT = 'inverse_sqrt'


ClassWeight = Sequence[float] | Mapping[str, float] | str | None


@MODELS.register_module()
class NoObjectCrossEntropyLoss(nn.Module):
    """Cross entropy over K classes and no-object, the last class, which weighs less (paper, section 3.2).

    The head sets the number of classes: nobody writes K + 1 weights.

    Args:
        no_object_weight: Weight of the no-object class.
        loss_weight: Factor of the loss.
        class_weight: Weights of the classes, 1 by default: a list of K numbers, a dict of some classes by
            name, or ``'inverse_sqrt'`` for weights from the segments of the training data. See
            `ClassWeights`.

    Raises:
        ValueError: ``class_weight`` is none of these, or its length is not the number of classes.
    """

    def __init__(
        self, no_object_weight: float = 0.1, loss_weight: float = 1.0, class_weight: ClassWeight = None
    ):
        super().__init__()
        self.no_object_weight = no_object_weight
        self.loss_weight = loss_weight
        self.class_weights = ClassWeights(class_weight, last=[no_object_weight])

    def set_num_classes(self, num_classes: int) -> None:
        """See `ClassWeights.set_num_classes`."""
        self.class_weights.set_num_classes(num_classes)

    def forward(self, class_logits: Tensor, labels: Tensor) -> Tensor:
        """Mean over queries, weighted by the weight of each query's class.

        Args:
            class_logits: ``(..., K + 1)``.
            labels: ``(...)`` classes, K for no-object.
        """
        logits = class_logits.float().flatten(0, -2)
        weights = self.class_weights(logits.shape[-1] - 1, logits.device)
        return self.loss_weight * F.cross_entropy(logits, labels.flatten(), weights)

    def of_layers(self, class_logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of each layer ``(L,)`` in one call, equal to :meth:`forward` to rounding.

        Args:
            class_logits: ``(L, ..., K + 1)``.
            labels: ``(L, ...)`` classes, K for no-object.
        """
        weights = self.class_weights(class_logits.shape[-1] - 1, class_logits.device)
        logits, classes = class_logits.float().flatten(0, -2), labels.flatten()
        values = F.cross_entropy(logits, classes, weights, reduction='none')
        total = values.unflatten(0, labels.shape).flatten(1).sum(1)
        return self.loss_weight * total / weights[labels].flatten(1).sum(1)


class ClassWeights(nn.Module):
    """The weights of K classes and of further outputs, such as no-object.

    Weights are not part of checkpoints: names and frequencies are resolved anew when a run is resumed, by
    `CheckDatasetHook` before training.

    Args:
        class_weight: K numbers; weights of some classes by name, the others weigh 1; ``'inverse_sqrt'`` for
            weights from the training data (`inverse_sqrt_weights`); None for 1.
        last: Weights of the outputs after the classes.
        counts_pixels: Take frequencies of pixels, not of segments.

    Raises:
        ValueError: ``class_weight`` is none of these.
    """

    def __init__(self, class_weight: ClassWeight, last: Sequence[float] = (), counts_pixels: bool = False):
        super().__init__()
        if isinstance(class_weight, str) and class_weight != INVERSE_SQRT:
            raise ValueError(
                f'class_weight={class_weight!r}: expected a list of numbers, a dict by class name, or '
                f"'{INVERSE_SQRT}'."
            )
        if isinstance(class_weight, Mapping):
            _floats(class_weight.values())
        elif class_weight is not None and not isinstance(class_weight, str):
            class_weight = _floats(class_weight)
        self.class_weight = class_weight
        self.last = [float(weight) for weight in last]
        self.counts_pixels = counts_pixels
        self._num_classes: int | None = None
        self._values: Tensor | None = None  # not a buffer: stays float32, and out of state dicts

    @property
    def by_name(self) -> bool:
        """Whether the names of the classes have to be known."""
        return isinstance(self.class_weight, Mapping)

    @property
    def from_data(self) -> bool:
        """Whether the frequencies of the classes have to be known."""
        return self.class_weight == INVERSE_SQRT

    def set_num_classes(self, num_classes: int) -> None:
        """Check the number of weights, and set those that need no more than their number.

        Raises:
            ValueError: There are more or fewer weights than classes.
        """
        self._num_classes, self._values = num_classes, None
        if self.class_weight is None:
            self._set([1.0] * num_classes)
        elif isinstance(self.class_weight, list):
            if len(self.class_weight) != num_classes:
                raise ValueError(
                    f'class_weight has {len(self.class_weight)} numbers, but num_classes is {num_classes}: '
                    'give one number for each class, in the order of the classes (no-object has '
                    'no_object_weight).'
                )
            self._set(self.class_weight)

    def set_names(self, names: Sequence[str]) -> None:
        """Set the weights that are given by name.

        Raises:
            ValueError: A name is not one of a class.
        """
        if not isinstance(self.class_weight, Mapping):
            return
        unknown = [name for name in self.class_weight if name not in names]
        if unknown:
            raise ValueError(
                f'class_weight has {unknown[0]!r}, which is not a class of the training data: expected some '
                f'of {list(names)}.'
            )
        self._set([float(self.class_weight.get(name, 1.0)) for name in names])

    def set_frequencies(self, counts: Sequence[float]) -> list[float]:
        """Set and return the weights that follow from the occurrences of each class."""
        weights = inverse_sqrt_weights(counts)
        self._set(weights)
        return weights

    def forward(self, num_classes: int, device: torch.device) -> Tensor:
        """Weights ``(K + len(last),)`` float32; they are copied to the device once.

        Args:
            num_classes: Number of classes that the logits have.
            device: Of the logits.

        Raises:
            ValueError: Names or frequencies were never given, or the number of weights is another.
        """
        if self._num_classes != num_classes:
            self.set_num_classes(num_classes)
        if self._values is None:
            raise ValueError(
                f'class_weight={self.class_weight!r} needs the training data: add '
                "dict(type='mmmaskformer.CheckDatasetHook') to custom_hooks, or give class_weight as a list."
            )
        if self._values.device != device:
            self._values = self._values.to(device)
        return self._values

    def _set(self, weights: Sequence[float]) -> None:
        self._num_classes = len(weights)
        self._values = torch.tensor([*weights, *self.last], dtype=torch.float32)


def find_class_weights(model: nn.Module) -> list[ClassWeights]:
    """The class weights of all losses of a model."""
    return [module for module in model.modules() if isinstance(module, ClassWeights)]


def inverse_sqrt_weights(counts: Sequence[float]) -> list[float]:
    """Weight of each class: n ** -0.5 for n occurrences, times a factor.

    The factor makes the mean weight of an occurrence 1, ``sum(n * weight) == sum(n)``, so that a loss keeps
    its scale and its share of no-object. Classes that never occur have weight 1.

    Args:
        counts: Occurrences of each class: segments, or pixels.

    Example:
        >>> inverse_sqrt_weights([1, 4, 0])
        [1.6666666666666667, 0.8333333333333334, 1.0]
    """
    factor = sum(counts) / (sum(count**0.5 for count in counts) or 1)
    return [factor / count**0.5 if count else 1.0 for count in counts]


def _floats(weights: Iterable[float]) -> list[float]:
    numbers = [float(weight) for weight in weights]
    for number in numbers:
        if not 0 <= number < math.inf:
            raise ValueError(f'class_weight has {number}: expected finite numbers, 0 or more.')
    return numbers
