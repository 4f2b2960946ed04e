"""All trainings of a contest: a search for each system's learning rate, then the runs of every seed."""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from ..apis.checks import check_data
from ..apis.console import announce
from .class_pixels import write_class_pixels
from .contest_sets import CONTESTS
from .trial import Trial, run_trial

SEARCH_SEED = 100

Rates = dict[tuple[str, int | None], float]


@dataclass(frozen=True)
class ContestPlan:
    """Which trainings a contest has, and where they leave what.

    Attributes:
        data_set: One of `CONTESTS`.
        data_root: Folder of the data.
        out_dir: Folder of the results; ``runs`` in it has a file for each training.
        work_dir: Folder of the work directories.
        num_classes: Numbers of classes, for a set whose classes can be merged; all by default.
        seeds: Each system is trained once with each seed.
        systems: Some systems of the set; all by default.
        iterations: Length of each training.
        batch: Images of an iteration.
        search_iterations: Length of each training of the search; 0: the learning rates of the configs.
        search_at: Numbers of classes with a search of their own; the others take the rates of the first one.
            By default the set's own number alone.
        jobs: Trainings at a time, each in a process of its own.
    """

    data_set: str
    data_root: Path
    out_dir: Path
    work_dir: Path
    num_classes: Sequence[int] = ()
    seeds: Sequence[int] = (0,)
    systems: Sequence[str] = ()
    iterations: int = 600
    batch: int = 4
    search_iterations: int = 300
    search_at: Sequence[int] = ()
    jobs: int = 1

    def __post_init__(self) -> None:
        contest = CONTESTS[self.data_set]
        for name, chosen, known in (
            ('model', self.systems, tuple(contest.systems)),
            ('number of classes', (*self.num_classes, *self.search_at), contest.num_classes),
        ):
            unknown = [value for value in chosen if value not in known]
            if unknown:
                expected = f'expected one or more of {list(known)}' if known else 'this set has one number'
                raise ValueError(f'{self.data_set}: unknown {name} {unknown[0]}: {expected}')
        for name in ('iterations', 'batch', 'jobs'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} is {getattr(self, name)}; expected 1 or more')
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f'the seeds are {list(self.seeds)}: give one or more, each once')
        if self._searches and SEARCH_SEED in self.seeds:
            raise ValueError(f'seed {SEARCH_SEED} chooses the learning rates: give other seeds')
        object.__setattr__(self, 'systems', tuple(self.systems or contest.systems))
        object.__setattr__(self, 'num_classes', tuple(self.num_classes or contest.num_classes or (None,)))
        object.__setattr__(self, 'search_at', tuple(self.search_at or contest.num_classes[:1] or (None,)))

    @property
    def runs_dir(self) -> Path:
        """Folder of the files with scores."""
        return self.out_dir / 'runs'

    @property
    def _searches(self) -> bool:
        return bool(self.search_iterations and CONTESTS[self.data_set].rates)

    def searches(self) -> list[Trial]:
        """The trainings that choose the learning rates: one for each system, number of classes and rate."""
        contest = CONTESTS[self.data_set]
        return [
            self._trial(SEARCH_SEED, system, classes, rate, search=True)
            for classes in self.search_at
            for system in self.systems
            for rate in contest.own_rates.get(system, contest.rates)
            if self._searches
        ]

    def finals(self, rates: Rates) -> list[Trial]:
        """The trainings that are reported, seed by seed.

        Args:
            rates: Learning rate by system and number of classes, as `best_rates` returns them; without any,
                those of the configs.
        """
        return [
            self._trial(
                seed, system, classes, rates.get((system, classes), rates.get((system, self.search_at[0])))
            )
            for seed in self.seeds
            for classes in self.num_classes
            for system in self.systems
        ]

    def _trial(
        self, seed: int, system: str, classes: int | None, rate: float | None, search: bool = False
    ) -> Trial:
        length = self.search_iterations if search else self.iterations
        return Trial(self.data_set, system, seed, length, self.batch, classes, rate, search)


def run_contest(plan: ContestPlan) -> None:
    """Train what is not trained yet: the searches, then the runs with the learning rates that they chose.

    Raises:
        FileNotFoundError: The data are missing.
        RuntimeError: Trainings failed; those that did not are complete.
    """
    first = plan.finals({})[0]
    cfg = first.config(plan.data_root, plan.work_dir / first.name)
    check_data(cfg, ('train', 'val'))
    if CONTESTS[plan.data_set].num_classes:
        write_class_pixels(cfg, plan.out_dir)
    searched = run_all(plan, plan.searches())
    rates = best_rates(searched)
    for system, classes in map(key_of, searched):
        if (system, classes) not in rates:
            raise RuntimeError(f'{system} with {classes} classes diverged with every learning rate')
    run_all(plan, plan.finals(rates))


def best_rates(searches: Sequence[dict[str, Any]]) -> Rates:
    """The learning rate with the highest mIoU on held-out images, by system and number of classes.

    Args:
        searches: Results of searches; one that diverged has no scores, and is not chosen.
    """
    best: dict[tuple[str, int | None], tuple[float, float]] = {}
    for result in searches:
        score = final_score(result, 'mIoU')
        if score is not None:
            candidate = score, -result['learning_rate']  # of equal ones the lower rate
            best[key_of(result)] = max(best.get(key_of(result), candidate), candidate)
    return {key: -rate for key, (_, rate) in best.items()}


def key_of(result: dict[str, Any]) -> tuple[str, int | None]:
    """System and number of classes of a training."""
    return result['system'], result['num_classes']


def final_score(result: dict[str, Any], name: str) -> float | None:
    """A score at the end of a training, None if it has none."""
    return result['scores'].get(str(result['iterations']), {}).get(name)


def run_all(plan: ContestPlan, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Train what is not trained yet, several at a time, and return all results in order.

    Raises:
        RuntimeError: Trainings failed; the others are complete.
    """
    open_trials = [trial for trial in trials if not (plan.runs_dir / f'{trial.name}.json').is_file()]
    if trials:
        kind = 'learning rates' if trials[0].search else 'runs'
        announce(f'{plan.data_set}, {kind}: {len(trials) - len(open_trials)} of {len(trials)} are finished')
    failures: dict[str, str] = {}
    for number, (trial, error) in enumerate(_train_each(plan, open_trials), start=1):
        print(f'{number}/{len(open_trials)} {trial.name}: {error or "finished"}', flush=True)
        if error:
            failures[trial.name] = error
    if failures:
        text = '\n'.join(f'{name}: {error}' for name, error in failures.items())
        raise RuntimeError(f'{len(failures)} of {len(trials)} trainings failed; fix and start again:\n{text}')
    return [json.loads((plan.runs_dir / f'{trial.name}.json').read_text()) for trial in trials]


def _train_each(plan: ContestPlan, trials: Sequence[Trial]) -> Iterator[tuple[Trial, str | None]]:
    """Each training as it ends, with its error if it failed."""
    if plan.jobs == 1 or len(trials) < 2:
        for trial in trials:
            yield trial, _train(plan, trial)
        return
    os.environ.setdefault('OMP_NUM_THREADS', str(max(1, (os.cpu_count() or 1) // plan.jobs)))
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(plan.jobs, context, initializer=_follow_parent) as pool:
        tasks = {pool.submit(_train_quietly, plan, trial): trial for trial in trials}
        try:
            for task in as_completed(tasks):
                yield tasks[task], task.result()
        except BaseException:  # no waiting for the trainings that are going on: they will resume
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _train(plan: ContestPlan, trial: Trial) -> str | None:
    """Train, and return the error if it failed."""
    try:
        run_trial(trial, plan.data_root, plan.runs_dir, plan.work_dir)
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    finally:
        gc.collect()
    return None


def _train_quietly(plan: ContestPlan, trial: Trial) -> str | None:
    """In a process of a pool: what is printed goes to ``NAME.log`` beside the work directory."""
    plan.work_dir.mkdir(parents=True, exist_ok=True)
    with (plan.work_dir / f'{trial.name}.log').open('a') as log, contextlib.redirect_stdout(log):
        return _train(plan, trial)


def _follow_parent() -> None:
    """Let a process of a pool end with its parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
