"""Names of output files keep folders and are unique."""

import pytest

from mmmaskformer.file_names import folder_prefixes, names_below


@pytest.mark.parametrize(
    ('paths', 'folders', 'expected'),
    [
        (['img/a/1.jpg', 'img/b/1.jpg'], ['img'], ['a/1', 'b/1']),
        (['img/a/1.jpg', 'img/a/1.png', 'img/a/1.JPG'], ['img'], ['a/1', 'a/1_2', 'a/1_3']),
        (['img/a/1.jpg', 'img/a/1.jpg'], ['img'], ['a/1', 'a/1']),
        (['img/a.b/1.2.jpg', 'img/x'], ['img'], ['a.b/1.2', 'x']),
        (['one/img/1.jpg', 'two/img/1.jpg'], ['one/img', 'two/img'], ['one/img/1', 'two/img/1']),
        (['d/train/1.jpg', 'd/1.jpg'], ['d', 'd/train'], ['train/1', '1']),
        (['x/a/1.jpg', 'x/b/2.jpg'], [], ['a/1', 'b/2']),
        (['x/a/1.jpg', 'x/a/2.jpg'], ['elsewhere'], ['1', '2']),
        (['img/../out/1.jpg', 'img/1.jpg'], ['img'], ['out/1', 'img/1']),
        (['images/1.jpg', 'img/1.jpg'], ['img'], ['images/1', 'img/1']),
        ([], ['img'], []),
    ],
)
def test_names(paths, folders, expected):
    assert names_below(paths, folders) == expected


def test_folders_that_lie_apart():
    assert folder_prefixes(['data/drive1', 'data/drive2/x']) == ['drive1/', 'drive2/x/']
    assert folder_prefixes(['data', 'data/drive1']) == ['', 'drive1/']
    assert folder_prefixes(['data']) == ['']
    assert folder_prefixes([]) == []
