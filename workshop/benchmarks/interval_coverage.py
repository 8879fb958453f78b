"""How often the 95 % interval of a mean covers, and how often rankings that are alike get a verdict, simulated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import bdtr, bdtri, ndtr, ndtri

from upsr_core.evaluation.metrics import rank_frame
from upsr_core.evaluation.statistics import Moments
from upsr_core.evaluation.verdicts import VERDICT_FROM
from upsr_core.runtime import Progress

USERS, HITS = (30, 150, 500, 3000), (0.02, 0.05, 0.1, 0.3)
TARGETS = {"1": False, "several": True}  # 2.5 on average, a number of each user's own
SHOWN_IN = 0.9  # of the draws: where fewer show an interval, a cell has none to speak of
POPULATION = 50_000  # users whose mean stands for the truth
SHARED, STRONGER = 0.6, 0.25  # of the noise of a target's score, by two rankers; by how much the second is better
TOP = 10
GAINS = rank_frame(np.arange(TOP), np.zeros(TOP, int), np.full(TOP, TOP))["NDCG@10"].to_numpy()
MOST = 2_000_000  # values of a block of draws
# Draws of a sample of few users are cheap, and their coverage is nearest to the ends of what is allowed.
PER_CELL, MOST_OFTEN = 6_000_000, 10  # values, and times as many draws
FEW_USERS, NULL_HITS = (3, 5, 8, 12, 20, 30, 50, 150, 500), (0.02, 0.05, 0.1, 0.3, 0.6)


@dataclass(frozen=True)
class Mode:
    """How hard candidates are: how many rivals a target has, and how much users differ in how easy theirs are."""

    rivals: int
    ease: float


MODES = {"uni100": Mode(100, 0.7), "pop100": Mode(100, 1.0), "full": Mode(12_000, 1.0)}


@dataclass(frozen=True)
class Users:
    """A population: targets of each user (users,), and metrics of two rankers (metric, 2, targets) on all targets."""

    targets: np.ndarray
    values: dict[str, np.ndarray]

    @classmethod
    def simulated(cls, mode: Mode, hits: float, several: bool, stronger: float, rng: np.random.Generator) -> "Users":
        """Users of whose targets the first ranker has exactly the share `hits` among its first ten.

        A target's score is normal around a strength plus its user's ease, with noise that both rankers share in part;
        the rivals that beat it, of standard normal scores, are binomial. The second ranker is `stronger`.
        """
        targets = 1 + rng.poisson(1.5, POPULATION) if several else np.ones(POPULATION, int)
        ease = np.repeat(rng.normal(0, mode.ease, POPULATION), targets)
        common, gains, strength = rng.normal(size=len(ease)), [], np.nan
        for ranker in range(2):
            score = ease + SHARED**0.5 * common + (1 - SHARED) ** 0.5 * rng.normal(size=len(ease))
            luck = rng.random(len(ease))
            # From which strength on fewer than ten rivals beat the target, by the luck it has.
            needed = -ndtri(bdtri(TOP - 1, mode.rivals, luck)) - score
            strength = np.quantile(needed, hits) if ranker == 0 else strength + stronger
            hit = np.flatnonzero(needed <= strength)
            beaten = bdtr(np.arange(TOP - 1)[:, None], mode.rivals, ndtr(-(strength + score[hit])))
            gains.append(np.zeros(len(ease)))
            gains[-1][hit] = GAINS[(beaten < luck[hit]).sum(axis=0)]
        ndcg = np.stack(gains)
        return cls(targets, {"HR@10": (ndcg > 0).astype(float), "NDCG@10": ndcg})

    def drawn(self, users: int, draws: int, rng: np.random.Generator) -> dict[tuple[str, str], Moments]:
        """Moments (draws,) of samples of users, of means of the first ranker and of paired differences, by metric."""
        starts = np.cumsum(self.targets) - self.targets
        sums = {name: np.add.reduceat(value, starts, axis=1) for name, value in self.values.items()}
        blocks: dict[tuple[str, str], list[Moments]] = {}
        for start in range(0, draws, most := max(1, MOST // users)):
            picked = rng.integers(0, len(self.targets), (min(most, draws - start), users))
            for name, of_users in sums.items():
                for what, values in (("mean", of_users[0]), ("paired difference", of_users[1] - of_users[0])):
                    sample = ratios(values[picked], self.targets[picked])
                    blocks.setdefault((name, what), []).append(Moments.of(sample))
        return {key: joined(parts) for key, parts in blocks.items()}

    def truth(self, metric: str, what: str) -> float:
        """The mean over the whole population."""
        first, second = self.values[metric]
        return float(first.mean() if what == "mean" else (second - first).mean())


def ratios(sums: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """`statistics.by_user` of many samples at once: sums (draws, users) over each user's `targets`, as many.

    >>> ratios(np.array([[1.0, 0.0, 2.0]]), np.array([[2, 1, 2]])).round(2).tolist()
    [[0.48, 0.24, 1.08]]
    """
    mean = sums.sum(axis=1, keepdims=True) / targets.sum(axis=1, keepdims=True)
    return mean + (sums - mean * targets) / targets.mean(axis=1, keepdims=True)


def joined(parts: list[Moments]) -> Moments:
    """Moments of blocks of draws, in one."""
    return Moments(*(np.concatenate([getattr(part, name) for part in parts]) for name in Moments.__annotations__))


def cells(
    fewest: int = 4000, modes: tuple[str, ...] = tuple(MODES), hits: tuple[float, ...] = HITS,
    users: tuple[int, ...] = USERS, progress: Progress = lambda *_: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The coverage of the interval for every number of users, mode, rate of hits, targets a user, metric, and what.

    At least `fewest` samples are drawn, of few users up to MOST_OFTEN times as many.

    Returns
    -------
    list of dict
        `users`, `mode`, `hits` (HR@10 of the first ranker), `targets_a_user`, `metric`, `what` (mean or paired
        difference), `coverage` (of the draws that show an interval), `shown_in` (their share), and `shown`: whether
        that is at least SHOWN_IN. Where it is not, `why` says so.
    """
    found = list[dict[str, Any]]()
    for mode in modes:
        for rate in hits:
            progress(len(found), 4 * len(modes) * len(hits) * len(users) * len(TARGETS), f"coverage, {mode}")
            for name, several in TARGETS.items():
                rng = np.random.default_rng([int(1000 * rate), several, *mode.encode()])
                people = Users.simulated(MODES[mode], rate, several, STRONGER, rng)
                for count in users:
                    draws = min(MOST_OFTEN * fewest, max(fewest, PER_CELL // count))
                    for (metric, what), moments in people.drawn(count, draws, rng).items():
                        cell = {"users": count, "mode": mode, "hits": rate, "targets_a_user": name, "metric": metric}
                        found.append(cell | {"what": what} | _covered(moments, people.truth(metric, what)))
    return found


def _covered(moments: Moments, truth: float) -> dict[str, Any]:
    low, high = moments.bounds()
    visible = np.isfinite(low)
    share = float(visible.mean())
    coverage = float(((low <= truth) & (truth <= high))[visible].mean()) if visible.any() else None
    why = "" if share >= SHOWN_IN else f"in {1 - share:.0%} of the draws too few users decide"
    return {"coverage": coverage, "shown": share >= SHOWN_IN, "shown_in": share, "why": why}


def false_verdicts(
    draws: int = 4000, users: tuple[int, ...] = FEW_USERS, hits: tuple[float, ...] = NULL_HITS
) -> dict[str, float]:
    """The largest share of verdicts where a ranking gains nothing by its history, over modes and rates of hits.

    By number of users, in NDCG@10. The right history and another user's rank alike, so that the gain is above zero by
    chance alone; 2.5 % of the draws may be called a gain.
    """
    most = dict.fromkeys(map(str, users), 0.0)
    for mode in MODES.values():
        for rate in hits:
            rng = np.random.default_rng([mode.rivals, int(1000 * rate)])
            people = Users.simulated(mode, rate, several=False, stronger=0.0, rng=rng)
            for count in users:
                moments = people.drawn(count, draws, rng)["NDCG@10", "paired difference"]
                low, _ = moments.bounds()
                called = (low > people.truth("NDCG@10", "paired difference")) & (moments.deciding >= VERDICT_FROM)
                most[str(count)] = max(most[str(count)], float(called.mean()))
    return most
