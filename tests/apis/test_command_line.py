"""What the tools share: options that override the config, and errors in one sentence."""

from __future__ import annotations

import pytest
from mmengine.dataset import BaseDataset, ConcatDataset
from torch.utils.data import DataLoader

from mmmaskformer.apis.command_line import load_config, run, sentence_of
from mmmaskformer.commands.arguments import add_runner_arguments, make_parser


class Broken:
    """A data set whose every sample is an error."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise ValueError('The image a.jpg cannot be read.')


def parse(*args):
    parser = make_parser('A tool.')
    add_runner_arguments(parser)
    return parser.parse_args(args)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'small.py'
    path.write_text("model = dict(depth=18)\nwork_dir = 'from_config'\n")
    return str(path)


def test_options_override_the_config(config):
    assert load_config(parse(config, '--cfg-options', 'model.depth=50')).model.depth == 50


def test_work_dir(config, tmp_path):
    assert load_config(parse(config, '--work-dir', 'here')).work_dir == 'here'
    assert load_config(parse(config)).work_dir == 'from_config'
    (tmp_path / 'bare.py').write_text('depth = 18\n')
    assert load_config(parse(str(tmp_path / 'bare.py'))).work_dir == 'work_dirs/bare'


@pytest.mark.parametrize('workers', [0, 1])
def test_error_on_one_line(config, workers):
    def main(args):
        next(iter(DataLoader(Broken(), num_workers=workers)))

    with pytest.raises(SystemExit) as stopped:
        run(main, parse(config))
    assert stopped.value.code == 'Error: The image a.jpg cannot be read. (--debug shows where.)'


def test_debug_keeps_the_traceback(config):
    def main(args):
        raise ValueError('wrong')

    with pytest.raises(ValueError, match='wrong'):
        run(main, parse(config, '--debug'))


def test_other_errors_keep_their_traceback(config):
    def main(args):
        raise RuntimeError('a fault of ours')

    with pytest.raises(RuntimeError, match='a fault of ours'):
        run(main, parse(config))


def test_missing_config_on_one_line():
    with pytest.raises(SystemExit, match=r'nowhere\.py'):
        run(load_config, parse('nowhere.py'))


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
