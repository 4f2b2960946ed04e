"""Tables and plots of a contest, from the files of scores alone."""

from __future__ import annotations

import json
import shutil
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..visualization import Gap, draw_gaps, draw_training_curves
from .class_pixels import annotated_classes, rarest_third, read_class_pixels
from .comparison import insert_text
from .contest_plan import best_rates, final_score, key_of
from .contest_sets import CONTESTS

SEMANTIC = {'mIoU': 'mIoU', 'PQ_sem': 'PQ^St', 'rarest': 'mean IoU of the rarest third'}
PANOPTIC = {
    'PQ': 'PQ',
    'SQ': 'SQ',
    'RQ': 'RQ',
    'PQ_th': 'PQ things',
    'PQ_st': 'PQ stuff',
    'mIoU': 'mIoU',
}
# MaskFormer minus PerPixelBaseline+ in the paper: Cityscapes, ADE20K, COCO-Stuff-10k, ADE20K-Full.
PUBLISHED = {
    'mIoU': (Gap(19, 0.0, None), Gap(150, 2.6, None), Gap(171, 2.9, None), Gap(847, 2.1, None)),
    'PQ^St': (Gap(19, 2.9, None), Gap(150, 5.1, None), Gap(171, 4.3, None), Gap(847, 2.9, None)),
}
NOT_RUN = 'Not run yet.'

Result = dict[str, Any]


class Budget(NamedTuple):
    """What runs of one table have in common."""

    iterations: int
    batch: int


def write_contest_report(data_set: str, out_dir: Path) -> str:
    """Write ``table.md`` and plots of the runs that are finished, and return the table.

    Args:
        data_set: One of `CONTESTS`.
        out_dir: Folder of the results; its ``runs`` hold the scores.
    """
    results = read_results(data_set, out_dir)
    finals = [result for result in results if not result['search']]
    text = (
        '\n'.join([*_tables(data_set, finals), *_search_table(data_set, results)])
        if finals
        else NOT_RUN + '\n'
    )
    if finals:
        out_dir.mkdir(parents=True, exist_ok=True)
        (out_dir / 'table.md').write_text(text)
        _draw(data_set, finals, out_dir)
    return text


def publish_contest(data_set: str, out_dir: Path, document: Path) -> None:
    """Insert tables and plot into a document with marks for them, see `insert_text`."""
    text, plot = write_contest_report(data_set, out_dir), out_dir / 'plot.png'
    if plot.is_file():
        image = document.parent / f'{document.stem}_{data_set}.png'
        shutil.copyfile(plot, image)
        text += f'\n![{data_set}]({image.name})'
    insert_text(document, data_set, text)


def read_results(data_set: str, out_dir: Path) -> list[Result]:
    """The finished trainings of a set; those of merged classes with the scores of rare classes.

    mIoU of runs on the clothing set is the mean over the classes that occur in its validation images.
    """
    results = [json.loads(path.read_text()) for path in sorted((out_dir / 'runs').glob('*.json'))]
    results = [result for result in results if result['data_set'] == data_set]
    for result in results:
        if result['num_classes'] is not None and result['class_iou'] and not result['search']:
            pixels = read_class_pixels(out_dir, result['num_classes'])
            last = result['scores'][str(result['iterations'])]
            last['mIoU'] = _mean_iou(result, annotated_classes(pixels))
            last['rarest'] = _mean_iou(result, rarest_third(pixels))
    return results


def _mean_iou(result: Result, names: Sequence[str]) -> float:
    return statistics.mean(result['class_iou'][name] for name in names)


def _tables(data_set: str, finals: Sequence[Result]) -> list[str]:
    """A table for each budget; runs that are missing are not in it."""
    budgets = sorted({Budget(result['iterations'], result['batch']) for result in finals})
    lines = []
    for budget in budgets:
        chosen = [r for r in finals if (r['iterations'], r['batch']) == budget]
        lines += [*_table(data_set, chosen), '', _about(chosen, budget), '']
    return lines


def _table(data_set: str, results: Sequence[Result]) -> list[str]:
    groups = defaultdict(list)
    for result in results:
        groups[key_of(result)].append(result)
    merged = bool(CONTESTS[data_set].num_classes)
    titles = SEMANTIC if merged else PANOPTIC
    first = ['classes'] if merged else []
    header = [*first, 'model', 'learning rate', 'seeds', *titles.values(), 'CPU minutes of a run']
    lines = [header, ['-'] * len(header)]
    for system, classes in sorted(groups, key=lambda key: _order(data_set, *key)):
        runs = groups[system, classes]
        rates = sorted({f'{run["learning_rate"]:g}' for run in runs})
        cells = [str(classes)] if merged else []
        cells += [system, ', '.join(rates), ', '.join(str(run['seed']) for run in runs)]
        cells += [_spread([final_score(run, name) for run in runs]) for name in titles]
        lines.append([*cells, f'{statistics.mean(run["cpu_minutes"] for run in runs):.0f}'])
    return [_line(*line) for line in lines]


def _order(data_set: str, system: str, classes: int | None) -> tuple[int, int]:
    return -(classes or 0), list(CONTESTS[data_set].systems).index(system)


def _about(results: Sequence[Result], budget: Budget) -> str:
    devices = ', '.join(sorted({result['device'] for result in results}))
    height, width = results[0]['crop_size']
    return (
        f'{budget.iterations} iterations of {budget.batch} crops of {height}x{width}, on {devices}; scores '
        'of the last iteration on validation images, mean and standard deviation over seeds.'
    )


def _search_table(data_set: str, results: Sequence[Result]) -> list[str]:
    """Scores of the searches, the chosen one of a row in bold."""
    searches = [result for result in results if result['search']]
    merged = bool(CONTESTS[data_set].num_classes)
    lines = []
    for budget in sorted({Budget(result['iterations'], result['batch']) for result in searches}):
        chosen = [r for r in searches if (r['iterations'], r['batch']) == budget]
        best = best_rates(chosen)
        rates = sorted({result['learning_rate'] for result in chosen})
        titles = [*['classes'] * merged, 'model', *(f'{rate:g}' for rate in rates)]
        lines += [
            'How the learning rates were chosen: mIoU on a fifth of the training images after '
            f'{budget.iterations} iterations of {budget.batch} crops of the others, '
            f'seed {chosen[0]["seed"]}.\n',
            _line(*titles),
            _line(*['-'] * len(titles)),
        ]
        scores = {(*key_of(r), r['learning_rate']): final_score(r, 'mIoU') for r in chosen}
        for system, classes in sorted(set(map(key_of, chosen)), key=lambda key: _order(data_set, *key)):
            cells = [_cell(scores, system, classes, rate, best.get((system, classes))) for rate in rates]
            lines.append(_line(*[str(classes)] * merged, system, *cells))
        lines.append('')
    return lines


def _line(*cells: str) -> str:
    return f'| {" | ".join(cells)} |'


def _cell(scores: Mapping[Any, float | None], system: str, classes: Any, rate: float, best: Any) -> str:
    if (system, classes, rate) not in scores:
        return ''
    score = scores[system, classes, rate]
    text = 'diverged' if score is None else f'{score:.1f}'
    return f'**{text}**' if rate == best else text


def _spread(scores: Sequence[float | None]) -> str:
    """Mean and, of several, the standard deviation."""
    found = [score for score in scores if score is not None]
    if not found:
        return ''
    deviation = f' ± {statistics.stdev(found):.1f}' if len(found) > 1 else ''
    return f'{statistics.mean(found):.1f}{deviation}'


def _draw(data_set: str, finals: Sequence[Result], out_dir: Path) -> None:
    """``plot.png``: gaps over the number of classes, or curves of PQ; of the budget with most runs."""
    budgets = [Budget(result['iterations'], result['batch']) for result in finals]
    largest = max(set(budgets), key=lambda budget: (budgets.count(budget), budget))
    chosen = [result for result, budget in zip(finals, budgets) if budget == largest]
    path = out_dir / 'plot.png'
    if not CONTESTS[data_set].num_classes:
        titles = {name: f'{PANOPTIC[name]} (%)' for name in ('PQ', 'mIoU')}
        draw_training_curves(_records(chosen), path, titles)
        return
    reference = next(iter(CONTESTS[data_set].systems))
    panels = {title: gaps_of(chosen, name, reference) for name, title in SEMANTIC.items()}
    if any(panels.values()):
        draw_gaps(panels, PUBLISHED, reference, path)


def _records(results: Sequence[Result]) -> dict[str, list[dict[str, Any]]]:
    return {
        f'{result["system"]}, seed {result["seed"]}': [
            dict(step=int(step), **scores) for step, scores in result['scores'].items()
        ]
        for result in results
    }


def gaps_of(results: Sequence[Result], name: str, reference: str) -> dict[str, list[Gap]]:
    """How much better each system is than the reference with the same classes and seed.

    Runs without a partner are left out: nothing stands for a run that is missing.

    Args:
        results: Results of one budget.
        name: Name of the score.
        reference: Name of the system that others are measured against.
    """
    scores = {(r['system'], r['num_classes'], r['seed']): final_score(r, name) for r in results}
    differences = defaultdict(list)
    for (system, classes, seed), score in scores.items():
        other = scores.get((reference, classes, seed))
        if system != reference and score is not None and other is not None:
            differences[system, classes].append(score - other)
    gaps = defaultdict(list)
    for (system, classes), values in differences.items():
        deviation = statistics.stdev(values) if len(values) > 1 else None
        gaps[system].append(Gap(classes, statistics.mean(values), deviation))
    return dict(gaps)
