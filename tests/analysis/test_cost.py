"""Costs counted by hand, and the table that shows them."""

import time

import pytest
import torch
from machine_of_gpus import MachineOfGpus
from torch import nn

from mmmaskformer.analysis import compare_costs, compare_models
from mmmaskformer.analysis.comparison import Row, insert_text, markdown_table
from mmmaskformer.analysis.cost import (
    count_multiply_adds,
    count_parameters,
    median_milliseconds,
    peak_memory,
)

MIB = 2**20
CPU = torch.device('cpu')


def test_parameters_of_a_convolution():
    convolution = nn.Conv2d(3, 8, 3)
    convolution.bias.requires_grad_(False)
    assert count_parameters(convolution) == 3 * 8 * 9 + 8


def test_multiply_adds_of_a_convolution_and_products():
    convolution = nn.Conv2d(3, 8, 3, stride=2, padding=1).requires_grad_(False)
    image = torch.randn(1, 3, 16, 20)
    assert count_multiply_adds(lambda: convolution(image)) == 8 * 10 * 8 * (3 * 9)
    left, right = torch.randn(2, 5, 7), torch.randn(2, 7, 11)
    assert count_multiply_adds(lambda: torch.einsum('bij,bjk->bik', left, right)) == 2 * 5 * 7 * 11
    assert count_multiply_adds(lambda: left + left.relu()) == 0


def test_multiply_adds_of_attention():
    query, key = torch.randn(2, 4, 6, 8), torch.randn(2, 4, 10, 8)
    attention = nn.functional.scaled_dot_product_attention
    expected = 2 * 4 * 6 * 10 * (8 + 8)  # of each head: queries x keys, weights x values
    assert count_multiply_adds(lambda: attention(query, key, key)) == expected


def test_tasks_take_turns_and_the_median_is_taken():
    calls = []
    sleeps = iter([0, 0, 0, 0, 0.001, 0.02, 0.001])
    tasks = dict(
        quick=lambda: calls.append('quick'), slow=lambda: (calls.append('slow'), time.sleep(next(sleeps)))
    )
    times = median_milliseconds(tasks, repeats=3, device=CPU, warm_up=4)
    assert calls[:4] == ['slow', 'quick', 'quick', 'slow']
    assert len(calls) == 14
    assert times['quick'] < 1 <= times['slow'] < 15


def test_peak_memory_counts_what_is_freed_again():
    if (found := peak_memory(lambda: torch.ones(40 * MIB).sum(), CPU)) is None:
        pytest.skip('this system does not tell')
    assert 155 < found < 200


@pytest.mark.parametrize('name', ['cuda:0', 'cuda:1'])
def test_gpu_is_measured_where_the_task_runs(name, monkeypatch):
    """On ``cuda:1`` too, although the current device is ``cuda:0``."""
    gpus = MachineOfGpus(monkeypatch)
    assert peak_memory(lambda: gpus.use(name, 40), torch.device(name)) == 40
    times = median_milliseconds({'task': lambda: gpus.launch(name, 0.02)}, 3, torch.device(name))
    assert 20 <= times['task'] < 40


def test_cpu_is_measured_on_a_machine_with_gpus(monkeypatch):
    gpus = MachineOfGpus(monkeypatch)
    if (found := peak_memory(lambda: torch.ones(40 * MIB).sum(), CPU)) is None:
        pytest.skip('this system does not tell')
    assert 155 < found < 200
    median_milliseconds({'task': lambda: None}, 3, CPU)
    assert not gpus.num_waits


@pytest.mark.parametrize('compare', [compare_costs, compare_models])
def test_device_that_is_not_there_is_refused_before_models_load(compare):
    with pytest.raises(ValueError, match="device='cuda:9', but PyTorch finds"):
        compare([], device='cuda:9')


def test_table_leaves_out_what_nobody_has():
    rows = [
        Row('a', parameters=41_250_000, multiply_adds=53_030_000_000, scores={'mIoU': (44.51, None)}),
        Row('b', parameters=9_180, memory=12.6, scores={'mIoU': (40.0, 1.25), 'PQ_sem': (30.0, 0.5)}),
    ]
    assert markdown_table(rows).splitlines() == [
        '| model | parameters | FLOPs | memory (MiB) | mIoU | PQ^St |',
        '| - | - | - | - | - | - |',
        '| a | 41.2M | 53.0G |  | 44.5 |  |',
        '| b | 9.18k |  | 13 | 40.0 ± 1.2 | 30.0 ± 0.5 |',
    ]


def test_scores_of_different_data_are_told_apart():
    rows = [Row('a', scores={'PQ': (1.0, None)}, source='test'), Row('b', source='validation')]
    assert markdown_table(rows).splitlines()[2:] == ['| a | 1.0 | test |', '| b |  | validation |']


def test_text_goes_between_its_marks_again_and_again(tmp_path):
    document = tmp_path / 'compare.md'
    document.write_text('# Title\n<!-- toy: begin -->\nold\n<!-- toy: end -->\nrest\n')
    for text in ('first\n', 'second\n'):
        insert_text(document, 'toy', text)
        assert document.read_text() == f'# Title\n<!-- toy: begin -->\n{text}<!-- toy: end -->\nrest\n'
    with pytest.raises(ValueError, match='no place for the table: add <!-- camvid: begin -->'):
        insert_text(document, 'camvid', 'x')
    with pytest.raises(FileNotFoundError, match=r'nothing\.md does not exist'):
        insert_text(tmp_path / 'nothing.md', 'toy', 'x')
