"""Choice of learning rates, tables and gaps from files of scores, by hand."""

import json

import pytest

from mmmaskformer.analysis.class_pixels import annotated_classes, rarest_third, read_class_pixels
from mmmaskformer.analysis.contest_plan import ContestPlan, best_rates
from mmmaskformer.analysis.contest_report import gaps_of, publish_contest, read_results, write_contest_report
from mmmaskformer.analysis.contest_sets import CONTESTS
from mmmaskformer.datasets.clothing import CLASSES, GROUPS
from mmmaskformer.visualization import Gap

REFERENCE = 'PerPixelBaseline+'


def result(system, seed, miou, classes=2, **changes):
    """A run whose two classes both have this IoU."""
    names = GROUPS[classes]
    content = dict(
        data_set='ccp',
        system=system,
        seed=seed,
        iterations=600,
        batch=4,
        num_classes=classes,
        learning_rate=1e-3,
        search=False,
        crop_size=[128, 96],
        scores={'300': dict(mIoU=1.0), '600': dict(mIoU=miou, PQ_sem=miou / 2)},
        class_iou=dict.fromkeys(names, miou),
        cpu_minutes=7.0,
        device='CPU (threads: 1)',
    )
    return {**content, **changes}


@pytest.fixture
def write(tmp_path):
    def write(*results):
        (tmp_path / 'runs').mkdir()
        for number, content in enumerate(results):
            (tmp_path / 'runs' / f'{number}.json').write_text(json.dumps(content))
        pixels = {name: index for index, name in enumerate(CLASSES)}  # none of null
        counts = dict(train=pixels, val=dict(pixels, wedges=0))
        (tmp_path / 'class_pixels.json').write_text(json.dumps(counts))
        return tmp_path

    return write


def test_table_and_gaps_have_the_runs_that_there_are(write):
    folder = write(
        result(REFERENCE, 0, 40.0),
        result(REFERENCE, 1, 42.0),
        result('MaskFormer', 0, 45.0),
        result('MaskFormer', 1, 43.0),
        result('MaskFormer', 2, 99.0),  # no partner: in the table, not in the gap
        result('MaskFormer', 0, 50.0, classes=12),
    )
    text = write_contest_report('ccp', folder)
    assert text.splitlines()[2:5] == [
        '| 12 | MaskFormer | 0.001 | 0 | 50.0 | 25.0 | 50.0 | 7 |',
        '| 2 | PerPixelBaseline+ | 0.001 | 0, 1 | 41.0 ± 1.4 | 20.5 ± 0.7 | 41.0 ± 1.4 | 7 |',
        '| 2 | MaskFormer | 0.001 | 0, 1, 2 | 62.3 ± 31.8 | 31.2 ± 15.9 | 62.3 ± 31.8 | 7 |',
    ]
    assert '600 iterations of 4 crops of 128x96, on CPU (threads: 1)' in text
    assert 'fixed matching' not in text
    assert (folder / 'plot.png').is_file()
    gaps = gaps_of(read_results('ccp', folder), 'mIoU', REFERENCE)
    assert gaps == {'MaskFormer': [Gap(2, 3.0, pytest.approx(2.8284, abs=1e-4))]}


def test_miou_is_that_of_annotated_classes(write):
    names = list(CLASSES)
    iou = dict.fromkeys(names, 10.0) | {'wedges': 90.0, 'null': None, 'accessories': 60.0}
    folder = write(result(REFERENCE, 0, 50.0, num_classes=59, class_iou=iou))
    (run,) = read_results('ccp', folder)
    assert run['scores']['600']['mIoU'] == pytest.approx((60 + 56 * 10) / 57)  # without null and wedges
    assert run['scores']['600']['rarest'] == pytest.approx((60 + 18 * 10) / 19)


def test_rare_classes(write):
    folder = write()
    pixels = read_class_pixels(folder, 59)
    assert 'null' not in annotated_classes(pixels)
    assert 'wedges' not in annotated_classes(pixels)
    assert rarest_third(pixels) == list(CLASSES[1:20])  # 19 of 57
    pixels = read_class_pixels(folder, 2)
    assert sum(pixels['train'].values()) == sum(range(59))
    assert rarest_third(pixels) == ['not clothing']


def test_search_table_and_choice(write):
    search = dict(search=True, iterations=300)
    rates = {5e-4: 3.0, 1e-3: 4.0, 2e-3: 4.0}
    runs = [
        result(REFERENCE, 100, 0.0, **search, learning_rate=rate, scores={'300': dict(mIoU=score)})
        for rate, score in rates.items()
    ]
    runs += [
        result('MaskFormer', 100, 0.0, **search, learning_rate=rate, scores=scores)
        for rate, scores in ((1e-3, {'300': dict(mIoU=2.0)}), (2e-3, {}))
    ]
    assert best_rates(runs) == {(REFERENCE, 2): 1e-3, ('MaskFormer', 2): 1e-3}  # of equals the lower one
    text = write_contest_report('ccp', write(*runs, result(REFERENCE, 0, 40.0)))
    assert '| classes | model | 0.0005 | 0.001 | 0.002 |' in text
    assert '| 2 | PerPixelBaseline+ | 3.0 | **4.0** | 4.0 |' in text
    assert '| 2 | MaskFormer |  | **2.0** | diverged |' in text
    assert 'after 300 iterations of 4 crops of the others, seed 100' in text


def test_search_table_of_a_set_with_classes_of_its_own(write):
    run = dict(data_set='camvid-panoptic', num_classes=None, class_iou={})
    search = dict(run, search=True, iterations=150, scores={'150': dict(mIoU=3.0)})
    final = result('DETR', 0, 40.0, **run)
    text = write_contest_report('camvid-panoptic', write(result('DETR', 100, 0.0, **search), final))
    assert '\n| model | 0.001 |\n| - | - |\n| DETR | **3.0** |\n' in text


def test_a_document_says_what_was_not_run(tmp_path):
    document = tmp_path / 'evidence.md'
    document.write_text('<!-- ccp: begin -->\n<!-- ccp: end -->\n')
    publish_contest('ccp', tmp_path / 'nothing', document)
    assert document.read_text() == '<!-- ccp: begin -->\nNot run yet.\n<!-- ccp: end -->\n'


@pytest.fixture
def plan(tmp_path):
    return lambda **settings: ContestPlan('ccp', tmp_path, tmp_path, tmp_path, **settings)


def test_trainings_of_a_plan(plan):
    small = plan(num_classes=(59, 2), seeds=(0, 1), systems=('MaskFormer', REFERENCE))
    searches = small.searches()
    assert [(s.system, s.learning_rate) for s in searches[:3]] == [
        ('MaskFormer', rate) for rate in (5e-4, 1e-3, 2e-3)
    ]
    assert {(s.num_classes, s.seed, s.iterations, s.search) for s in searches} == {(59, 100, 300, True)}
    assert len(searches) == 6
    finals = small.finals({('MaskFormer', 59): 2e-3, (REFERENCE, 59): 1e-3, (REFERENCE, 2): 5e-4})
    found = [(f.seed, f.num_classes, f.system, f.learning_rate) for f in finals[:4]]
    assert found == [
        (0, 59, 'MaskFormer', 2e-3),
        (0, 59, REFERENCE, 1e-3),
        (0, 2, 'MaskFormer', 2e-3),  # no search there: that of 59 classes
        (0, 2, REFERENCE, 5e-4),
    ]
    assert len({training.name for training in (*searches, *finals)}) == 6 + 8
    assert len(plan(search_at=(59, 12, 2)).searches()) == 4 * 3 * 3
    assert plan(search_iterations=0).searches() == []


def test_a_system_may_have_rates_of_its_own(tmp_path):
    searches = ContestPlan('camvid-panoptic', *[tmp_path] * 3, systems=('DETR', 'MaX-DeepLab-S')).searches()
    assert [s.learning_rate for s in searches] == [1e-4, 3e-4, 1e-3, 2e-4, 6e-4, 2e-3]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(systems=('DETR',)), r"ccp: unknown model DETR: expected one or more of \['PerPixelBaseline\+'"),
        (dict(num_classes=(13,)), r'unknown number of classes 13: expected one or more of \[59, 12, 2\]'),
        (dict(jobs=0), 'jobs is 0; expected 1 or more'),
        (dict(seeds=(1, 1)), r'the seeds are \[1, 1\]'),
        (dict(seeds=(0, 100)), 'seed 100 chooses the learning rates: give other seeds'),
    ],
)
def test_mistakes(plan, settings, message):
    with pytest.raises(ValueError, match=message):
        plan(**settings)


def test_the_page_has_a_place_for_every_set(root):
    text = (root / 'docs/evidence.md').read_text()
    for data_set in CONTESTS:
        assert text.count(f'<!-- {data_set}: begin -->') == text.count(f'<!-- {data_set}: end -->') == 1
