"""Statistics of queries, by hand."""

import numpy as np
import pytest
import torch

from mmmaskformer.analysis.queries import QueryStatistics, draw_summary, look_at_queries
from mmmaskformer.functional.resizing import OutputSize
from mmmaskformer.structures import MaskPrediction
from mmmaskformer.visualization import QueryTile, draw_query_sheet
from mmmaskformer.visualization.sheets import BAR_HEIGHT, NO_OBJECT, TILE_WIDTH, TITLE

CLASSES = ('sky', 'road')
PALETTE = [[70, 130, 180], [128, 64, 128]]


@pytest.fixture
def statistics():
    """Two images of 8x8 in an input of 8x16: sky above, road below, and a query of no-object."""
    prob = torch.tensor([[0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    masks = torch.full((3, 2, 4), -20.0)
    masks[0, 0] = masks[1, 1] = masks[2] = 20.0  # mask logits at stride 4; the right half is padding
    masks[2, :, 2:] = -20.0
    found = QueryStatistics.empty(3, 2, (8, 8))
    size = OutputSize((8, 16), (8, 8), (8, 8))
    found.add(MaskPrediction(prob.log(), masks), size)
    swapped = torch.tensor([[0.1, 0.1, 0.8], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]])
    found.add(MaskPrediction(swapped.log(), masks), size)
    return found


def test_statistics_by_hand(statistics):
    summary = statistics.summary(CLASSES)
    assert summary['images'] == 2
    assert [query['query'] for query in summary['queries']] == [1, 0, 2]
    road, sky, nothing = summary['queries']
    assert road['pixels'] == pytest.approx((0.5 + 1.0) / 2)  # in the second image nobody competes
    assert sky['pixels'] == pytest.approx(0.5 / 2)
    assert (road['images'], sky['images'], nothing['images']) == (1.0, 0.5, 0.0)
    assert sky['class_probability'] == pytest.approx({'sky': 0.5, 'road': 0.075})
    assert sky['no_object'] == pytest.approx(0.425)
    assert sky['top_classes'] == ['sky', 'road']
    assert sky['centre'][0] == pytest.approx(0.5, abs=1e-3)
    assert sky['centre'][1] < 0.35 < 0.65 < road['centre'][1]
    assert [query['found'] for query in summary['queries']] == [{'road': 2}, {'sky': 1}, {}]
    assert (summary['active_queries'], summary['classes_of_a_query']) == (2, 1.0)


def test_classes_of_a_query_that_changes():
    """It wins pixels as sky in one image and as road in two; a query that wins none has no class."""
    found = QueryStatistics.empty(2, 2, (2, 2))
    masks = torch.tensor([20.0, -20.0])[:, None, None].expand(2, 2, 2)
    for sky in (0.9, 0.2, 0.1):
        prob = torch.tensor([[sky, 0.95 - sky, 0.05], [0.6, 0.3, 0.1]])
        found.add(MaskPrediction(prob.log(), masks), OutputSize((8, 8), (8, 8), (8, 8)))
    summary = found.summary(CLASSES)
    assert [query['found'] for query in summary['queries']] == [{'road': 2, 'sky': 1}, {}]
    assert list(summary['queries'][0]['found']) == ['road', 'sky']
    assert (summary['active_queries'], summary['classes_of_a_query']) == (1, 2.0)


def test_heat_is_the_mask_where_the_query_is_an_object(statistics):
    heat = statistics.mean_heat()
    assert heat[0, 0].min() > 0.99
    assert heat[0, -1].max() < 0.01
    assert heat[2].min() > 0.99  # as rarely as it is an object


def test_sheet_shows_heat_and_classes(statistics):
    sheet = np.asarray(draw_summary(statistics, CLASSES, PALETTE, number=2))
    bar = sheet[TITLE + TILE_WIDTH + BAR_HEIGHT // 2, :TILE_WIDTH]  # of query 1: 0.7 road, 0.15 sky
    assert bar[5].tolist() == PALETTE[1]
    assert bar[int(0.75 * TILE_WIDTH)].tolist() == PALETTE[0]
    assert bar[-3].tolist() == list(NO_OBJECT)
    assert sheet[TITLE + 5, 20].sum() < 60  # black above, bright below
    assert sheet[TITLE + TILE_WIDTH - 5, 20].sum() > 500
    with pytest.raises(ValueError, match='no queries'):
        draw_query_sheet([], CLASSES, PALETTE)
    with pytest.raises(ValueError, match='1 colors for 2 classes'):
        draw_query_sheet([QueryTile('a', np.zeros((2, 2)), np.ones(3) / 3)], CLASSES, PALETTE[:1])


def test_heads_without_masks_and_empty_data_are_refused():
    model = torch.nn.Module()
    model.decode_head = torch.nn.Conv2d(1, 1, 1)
    with pytest.raises(ValueError, match='Conv2d has no queries that classify masks'):
        look_at_queries(model, [])
    model.decode_head.predict_each = None
    with pytest.raises(ValueError, match='the data set is empty'):
        look_at_queries(model, [])
