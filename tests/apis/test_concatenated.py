"""What is said of data sets that MMEngine does not concatenate."""

from __future__ import annotations

import pytest
from mmengine.dataset import BaseDataset, ConcatDataset

from mmmaskformer.apis.mistakes import sentence_of


def test_data_sets_that_cannot_be_concatenated_are_told_what_differs():
    """MMEngine: 'The meta information of the 2-th dataset does not match ...'."""

    def sentence(**second) -> str | None:
        first = dict(classes=('cat', 'dog'), palette=[[0, 0, 0], [1, 1, 1]])
        sets = [BaseDataset(metainfo=info, lazy_init=True) for info in (first, {**first, **second})]
        with pytest.raises(ValueError, match='meta information') as error:
            ConcatDataset(sets, lazy_init=True)
        return sentence_of(error.value)

    start = 'ConcatDataset: data set 2 has '
    assert str(sentence(classes=('dog', 'cat'), palette=[])).startswith(
        f"{start}classes=('dog', 'cat'), but the first has ('cat', 'dog'): give all the same classes in the "
    )
    assert sentence(palette=[[5, 5, 5]]) == (
        f'{start}palette=[[5, 5, 5]], but the first has [[0, 0, 0], [1, 1, 1]]: make them equal, or set '
        "ignore_keys=['palette'] to take those of the first."
    )
    assert sentence(category_ids=(4, 9)) == (
        f'{start}category_ids=(4, 9), but the first has None: make them equal, or set '
        "ignore_keys=['category_ids'] to take those of the first."
    )
