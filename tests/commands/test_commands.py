"""The command `mmmaskformer`: help at once, examples that parse, completion, one sentence for an error."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest

from mmmaskformer.analysis.runs import RUN_SYNTAX
from mmmaskformer.apis.trackers import TRACKERS
from mmmaskformer.checkpoints import TARGETS
from mmmaskformer.commands import compare, convert, main, predict, train
from mmmaskformer.commands.arguments import TASKS
from mmmaskformer.commands.command_line import COMMANDS, build_parser
from mmmaskformer.inference.settings import DTYPES
from mmmaskformer.inference.settings import TASKS as KNOWN_TASKS
from mmmaskformer.inference.writers import FORMATS

LIGHT = """
import sys
sys.argv = ['mmmaskformer', *sys.argv[1:]]
from mmmaskformer.commands import main
try:
    main()
finally:
    print(sorted({'torch', 'mmengine', 'numpy', 'cv2', 'mmseg'} & set(sys.modules)))
"""


def help_of(command: str, capsys) -> str:
    with pytest.raises(SystemExit) as end:
        main([command, '--help'])
    assert end.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize('arguments', ['--help', 'train --help', '--version'])
def test_help_imports_nothing_heavy(run_python, arguments):
    assert run_python(LIGHT, *arguments.split()).stdout.splitlines()[-1] == '[]'


def test_python_m_is_the_command(run_python):
    printed = run_python(None, '-m', 'mmmaskformer', '--help').stdout
    assert printed.startswith('usage: mmmaskformer')
    assert all(f'    {name}' in printed for name in COMMANDS)


@pytest.mark.parametrize('command', COMMANDS)
def test_help_is_one_screen_with_an_example_that_parses(command, capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '100')
    printed = help_of(command, capsys)
    assert len(printed.splitlines()) <= 45
    examples = printed.partition('examples:\n')[2].splitlines()
    assert examples
    for line in examples:
        words = shlex.split(line.partition('>')[0])
        assert words[0] == 'mmmaskformer'
        assert build_parser().parse_args(words[1:]).command == command


def test_choices_are_those_of_the_package():
    """They are written again in the commands, which import nothing for their help."""
    assert TASKS == KNOWN_TASKS
    assert predict.FORMATS == FORMATS
    assert tuple(DTYPES) == predict.DTYPES
    assert convert.TARGETS == TARGETS
    assert tuple(TRACKERS) == train.TRACKERS
    assert compare.RUN_SYNTAX == RUN_SYNTAX


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'fish'])
def test_completion_scripts(shell, capsys):
    pytest.importorskip('argcomplete')
    main(['completion', shell])
    assert 'mmmaskformer' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('typed', 'expected'),
    [('mmmaskformer tr', 'train'), ('mmmaskformer predict x --save ov', 'overlay')],
)
def test_the_shell_gets_completions(tmp_path, typed, expected):
    pytest.importorskip('argcomplete')
    answer = tmp_path / 'answer'
    environment = {**os.environ, '_ARGCOMPLETE': '1', 'COMP_LINE': typed, 'COMP_POINT': str(len(typed))}
    environment.update(_ARGCOMPLETE_STDOUT_FILENAME=str(answer), _ARGCOMPLETE_IFS='\n')
    code = 'import sys; sys.argv = ["mmmaskformer"]; from mmmaskformer.commands import main; main()'
    subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, check=True)
    assert answer.read_text().split() == [expected]


def test_no_command_prints_help(capsys):
    main([])
    assert capsys.readouterr().out.startswith('usage: mmmaskformer')


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        ('train nowhere', 'The config file nowhere does not exist: check the path.'),
        ('new nowhere', 'nowhere'),
        ('predict nowhere.jpg --weights nowhere.pth', 'The checkpoint nowhere.pth does not exist'),
        ('train {folder} --resume', '--resume does not apply to a folder: give the config in its work dir.'),
        ('train {config} --model r18', '--model does not apply to a config: change it there.'),
        ('train {config} --resume --minutes 1', '--minutes begins a training'),
        ('predict {folder} --weights {folder}', 'has no checkpoint (*.pth)'),
        ('new {folder} --out my_config.txt', 'my_config.txt is not the name of a config'),
        ('new {folder} --out {config}', 'exists: give --out another name, or delete it'),
    ],
)
def test_errors_are_sentences(arguments, sentence, tmp_path, root, capsys):
    config = root / 'configs/toy/maskformer_r18_toy.py'
    with pytest.raises(SystemExit) as end:
        main(arguments.format(folder=tmp_path, config=config).split())
    assert str(end.value.code).startswith('Error: ')
    assert sentence in str(end.value.code)


def test_doctor(capsys):
    with pytest.raises(SystemExit) as end:
        main(['doctor'])
    assert end.value.code in (0, 1)
    assert capsys.readouterr().out.startswith('mmmaskformer ')


def test_inspect_describes_a_folder(blobs, capsys):
    main(['inspect', str(blobs)])
    printed = capsys.readouterr().out
    assert printed.startswith(f'{blobs}: label maps, for semantic segmentation\n')
    assert '8 (6 train, 2 val), 80x64' in printed
