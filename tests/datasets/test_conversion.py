"""What all converters share."""

import re
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from mmmaskformer.datasets.converters import conversion
from mmmaskformer.file_names import inside


def reciprocal(number):
    return 1 / number


@pytest.mark.parametrize('num_workers', [1, 2])
def test_results_keep_their_order(num_workers, capsys, monkeypatch):
    """A terminal gets a progress bar; the log of a job does not."""
    for terminal in (False, True):
        monkeypatch.setattr(sys.stderr, 'isatty', lambda terminal=terminal: terminal)
        results = conversion.run_jobs(reciprocal, list(range(1, 20)), num_workers)
        assert results == [1 / i for i in range(1, 20)]
        assert ('19/19' in capsys.readouterr().err) == terminal
    with pytest.raises(ZeroDivisionError):
        conversion.run_jobs(reciprocal, [1, 0, 2], num_workers)


def test_no_process_or_no_job():
    with pytest.raises(ValueError, match='0 jobs for 2 processes'):
        conversion.run_jobs(reciprocal, [], 2)
    with pytest.raises(ValueError, match='1 jobs for 0 processes'):
        conversion.run_jobs(reciprocal, [1], 0)


@pytest.mark.parametrize('name', ['../a', '/a', 'a/../../b', '', 'C:\\a', '..\\a', 'C:/a', 'a\0b'])
def test_names_cannot_leave_the_folder(tmp_path, name):
    with pytest.raises(ValueError, match=re.escape(f'the list names the file {name!r}, which is not inside')):
        inside(tmp_path, name, 'the list')


def test_names_inside_the_folder(tmp_path):
    assert inside(tmp_path, 'a/b..c.jpg', 'the list') == tmp_path / 'a' / 'b..c.jpg'


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / 'a.png'
    monkeypatch.setattr(type(path), 'replace', lambda *_: (_ for _ in ()).throw(OSError('no space left')))
    with pytest.raises(OSError, match='no space left'):
        conversion.write_atomically(path, b'content')
    assert not path.exists()
    monkeypatch.undo()
    conversion.write_atomically(path, b'content')
    assert path.read_bytes() == b'content'
    assert sorted(tmp_path.iterdir()) == [path]


def test_maps_are_read_as_they_are(tmp_path):
    palette = Image.fromarray(np.array([[3, 1]], np.uint8))
    palette.putpalette([9, 8, 7] * 4)
    palette.save(tmp_path / 'p.png')
    assert conversion.read_map(tmp_path / 'p.png').tolist() == [[3, 1]]
    cv2.imwrite(str(tmp_path / 'w.png'), np.array([[40000]], np.uint16))
    assert conversion.read_map(tmp_path / 'w.png', dtype=np.uint16).tolist() == [[40000]]
    with pytest.raises(ValueError, match=r'w\.png is not a PNG of one channel of 8 bits'):
        conversion.read_map(tmp_path / 'w.png')
    conversion.write_map(tmp_path / 'c.png', np.array([[[1, 2, 3]]], np.uint8))
    assert conversion.read_map(tmp_path / 'c.png', 3).tolist() == [[[1, 2, 3]]]
    content = conversion.encode_png(np.random.RandomState(0).randint(0, 9, (64, 64), np.uint8))
    (tmp_path / 'cut.png').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r'cut\.png cannot be read .*: replace the file'):
        conversion.read_map(tmp_path / 'cut.png')


@pytest.mark.parametrize(('label', 'pixels'), [(3, [[0, 3]]), (1, [[2, 1]]), (-5, [[-5, 0]])])
def test_unknown_labels(tmp_path, label, pixels):
    known = np.array([True, False, True])
    conversion.check_labels(tmp_path / 'a.png', np.array([[0, 2]]), known)
    with pytest.raises(ValueError, match=re.escape(f'{tmp_path / "a.png"} has the label {label}, which')):
        conversion.check_labels(tmp_path / 'a.png', np.array(pixels), known)
