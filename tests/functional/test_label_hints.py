"""The ignored label of a number of classes, and what errors of labels advise."""

import re

import pytest
import torch

from mmmaskformer.functional.targets import UnknownLabelError, check_labels, ignored_label


@pytest.mark.parametrize(
    ('labels', 'reduced', 'hint'),
    [
        (
            [4],
            False,
            'if 0 means "unlabeled" in the label maps, set reduce_zero_label=True .*=5$',
        ),
        ([4], True, 'set num_classes to the number of classes, which is at least 5'),
        ([7, 30], False, 'at least 31 by these labels, or renumber'),
        ([255], False, '255 usually stands for pixels of no class: leave ignore_index out'),
        ([6, 65535], None, 'at least 7 by these labels'),
    ],
)
def test_hint_names_the_cause(labels, reduced, hint):
    with pytest.raises(UnknownLabelError, match=f'label {labels[0]} is neither') as caught:
        check_labels(torch.tensor([0, 3, 11, *labels]), 4, 11)
    assert caught.value.labels == labels
    assert re.search(hint, caught.value.hint(reduced))
    assert ('reduce_zero_label' in caught.value.hint(reduced)) == (labels == [4] and not reduced)


@pytest.mark.parametrize(
    ('number', 'setting', 'expected'),
    [(1, 255, 255), (255, None, 255), (256, 255, 65535), (256, None, 65535), (300, 7, 7), (300, -1, -1)],
)
def test_ignored_label(number, setting, expected):
    assert ignored_label(number, setting) == expected
