"""Inputs become a stream of named images."""

from __future__ import annotations

import os

import numpy as np
import pytest
from inference_model import draw, write_images, write_video

from mmmaskformer.inference.sources import open_source


def names(inputs) -> list[str]:
    return [input_image.name for input_image in open_source(inputs).images]


@pytest.fixture(scope='module')
def tree(tmp_path_factory):
    """Images in two folders with the same names, and other files."""
    root = tmp_path_factory.mktemp('tree')
    for folder in ('a', 'b', 'b/deep'):
        write_images(root / folder, [(4, 6)] * 2)
    (root / 'a' / 'notes.txt').touch()
    (root / 'a' / '._000.png').touch()
    write_video(root / 'film.avi', [draw(16, 16)] * 3, fps=12)
    return root


def test_folder_with_subfolders(tree):
    source = open_source(tree)
    assert source.total == 6
    assert [p.name for p in source.images] == [
        'a/000',
        'a/001',
        'b/000',
        'b/001',
        'b/deep/000',
        'b/deep/001',
    ]


def test_patterns(tree):
    assert names(f'{tree}/b/*.png') == ['000', '001']
    assert names(f'{tree}/*/000.png') == ['a/000', 'b/000']
    assert names(f'{tree}/**/000.png') == ['a/000', 'b/000', 'b/deep/000']
    assert names(f'{tree}/*.avi') == ['film/000000', 'film/000001', 'film/000002']


def test_names_are_unique(tree):
    (tree / 'b' / '000.jpg').touch()
    stream_names = names(
        [
            tree / 'a',
            str(tree / 'b'),
            tree / 'a/000.png',
            np.zeros((2, 2)),
            tree / 'film.avi',
            tree / 'film.avi',
        ]
    )
    (tree / 'b' / '000.jpg').unlink()
    assert len({name.casefold() for name in stream_names}) == len(stream_names) == 2 + 5 + 1 + 1 + 6
    assert stream_names[:3] == ['a/000', 'a/001', 'b/000']
    assert stream_names[3:8] == ['b/000_2', 'b/001', 'b/deep/000', 'b/deep/001', 'a/000_2']
    assert stream_names[8:11] == ['image', 'film/000000', 'film/000001']
    assert stream_names[-1] == 'film_2/000002'


def test_paths_of_several_folders_keep_them(tree):
    assert names([tree / 'b/000.png', tree / 'b/deep/000.png']) == ['000', 'deep/000']
    assert names([f'{tree}/a/*.png', str(tree / 'b/deep')]) == ['a/000', 'a/001', 'b/deep/000', 'b/deep/001']
    assert names([tree / 'a/000.png', tree / 'a/001.png']) == ['000', '001']
    assert names([tree / 'a/000.png', 'https://example.org/x/street.jpg?size=3']) == ['000', 'street']


def test_video(tree):
    source = open_source(tree / 'film.avi')
    frames = list(source.images)
    assert source.total == 3
    assert [frame.frame for frame in frames] == [0, 1, 2]
    assert frames[0].clip.fps == 12
    assert frames[0].image.shape == (16, 16, 3)


def test_totals(tree):
    assert open_source([tree / 'a', tree / 'film.avi', np.zeros((2, 2))]).total == 2 + 3 + 1
    assert open_source(path for path in [tree / 'a']).total is None


def test_web_addresses_are_images():
    (input_image,) = open_source('https://example.org/x/street.jpg?size=3').images
    assert (input_image.name, input_image.path) == ('street', 'https://example.org/x/street.jpg?size=3')


@pytest.mark.parametrize('camera', [77, '77', 'webcam:77'])
def test_cameras(camera):
    with pytest.raises(ValueError, match='Camera 77 cannot be opened'):
        open_source(camera)


def test_a_file_called_as_a_camera(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / '0').touch()
    (input_image,) = open_source('0').images
    assert input_image.path == '0'


def test_error_messages(tree, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'no.mp4').write_bytes(b'nothing')
    cases = [
        (tmp_path / 'empty', FileNotFoundError, 'holds no image'),
        (f'{tmp_path}/*.jpg', FileNotFoundError, 'No file matches the pattern'),
        ('nowhere.jpg', FileNotFoundError, r'nowhere\.jpg does not exist'),
        ('nowhere.mp4', FileNotFoundError, r'The video nowhere\.mp4 does not exist'),
        (tmp_path / 'no.mp4', ValueError, 'cannot be opened as a video'),
        ([], ValueError, 'list of inputs is empty'),
        (None, ValueError, 'cannot be read from NoneType'),
        (b'abc', ValueError, 'cannot be read from bytes'),
    ]
    for inputs, kind, message in cases:
        with pytest.raises(kind, match=message):
            open_source(inputs)
    assert os.listdir(tmp_path / 'empty') == []
