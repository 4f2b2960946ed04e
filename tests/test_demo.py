"""The demo runs from end to end, can be repeated, and does not change other files."""

import re

import pytest
from PIL import Image

# What OneDL's mmseg and mmdet print at import, and PyTorch 2.4 of MMEngine's import.
CHATTER = re.compile(
    r'(?m)^(Could not import OneDL|.* - WARNING - Line NMS|This model cannot work|To make sure that'
    r'|.*DeprecationWarning: `TorchScript` support for functional optimizers'
    r'|  from torch\.distributed\.optim import).*\n'
)


@pytest.fixture(scope='module')
def runs(tmp_path_factory, run_python, warm_python, root):
    """Two smoke runs into the same folders, the first in a fresh process."""
    folder = tmp_path_factory.mktemp('demo')
    arguments = ['tools/demo.py', '--smoke', '--data', str(folder / 'data'), '--out', str(folder / 'out')]
    return folder, [run(None, *arguments, cwd=root) for run in (run_python, warm_python)]


@pytest.mark.slow
def test_demo_leaves_its_images_and_says_where(runs):
    folder, (first, second) = runs
    for done in (first, second):
        for path in (folder / 'out/panels.png', folder / 'out/training_curve.png', folder / 'out/iter_4.pth'):
            assert str(path) in done.stdout
            assert path.is_file()
        assert re.search(r'iteration +4/4 +loss +\d+\.\d', done.stdout)
        assert re.search(r'\| +sign +\| +\d', done.stdout), 'the table of IoU per class'
        assert re.search(r'on held-out scenes: +mIoU \d+\.\d, PQ \d+\.\d, AP \d+\.\d', done.stdout)
        assert re.search(r'Class +\| +PQ +\| +SQ', done.stdout), 'the table of PQ per class'
        assert re.search(r'time: +0:\d\d min', done.stdout)
    assert len(list((folder / 'out/panels').glob('*.png'))) == 4
    with Image.open(folder / 'out/panels.png') as sheet:
        assert sheet.width > 4 * 2 * 128


@pytest.mark.slow
def test_demo_prints_no_warnings(runs):
    _, (first, _) = runs
    assert CHATTER.sub('', first.stderr) == ''
    assert not re.search('warning|deprecated|error', CHATTER.sub('', first.stdout), re.IGNORECASE)


@pytest.mark.slow
def test_second_run_keeps_the_data_and_replaces_the_results(runs):
    _, (first, second) = runs
    assert 'Drawing training scenes: 8/8' in first.stdout
    assert 'Drawing' not in second.stdout
    assert 'Replacing the results of an earlier run' in second.stdout


def test_demo_does_not_touch_a_folder_of_something_else(warm_python, root, tmp_path):
    (tmp_path / 'thesis.txt').write_text('do not lose me')
    arguments = ['tools/demo.py', '--smoke', '--data', str(tmp_path / 'data'), '--out', str(tmp_path)]
    done = warm_python(None, *arguments, cwd=root, check=False)
    assert done.returncode == 1
    said = CHATTER.sub('', done.stderr)
    assert said.startswith(f'Error: {tmp_path} is not the folder of an earlier demo')
    assert list(tmp_path.iterdir()) == [tmp_path / 'thesis.txt']
