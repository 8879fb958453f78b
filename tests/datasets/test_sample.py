"""The embedded sample shows what it promises, and its next items can be told from the text of the history."""

import dataclasses
import gzip
import json
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from upsr_core.datasets.importing import import_dataset
from upsr_core.datasets.sample import DOMAINS, NEW_DOMAINS, ensure_sample, sample_files, sample_name
from upsr_core.datasets.store import list_datasets, load_dataset
from upsr_core.errors import DataError
from upsr_core.runtime import ASSETS, Cancelled
from workshop.sample.catalogue import make_catalogue
from workshop.sample.generator import POPULARITY_EXPONENT, SIZES, generate, write
from workshop.sample.words import BOOKS
from workshop.sample.words_new import INSTRUMENTS


def read_lines(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Shelf:
    """A domain as a stranger sees it: raw rows, one per item, and item indices per user in time order."""

    def __init__(self, domain):
        items_path, events_path = sample_files(domain)
        self.raw, self.events = read_lines(items_path), read_lines(events_path)
        self.rows = list({row["asin"]: row for row in reversed(self.raw)}.values())
        index = {row["asin"]: i for i, row in enumerate(self.rows)}
        by_user = defaultdict(list)
        for event in self.events:
            by_user[event["reviewerID"]].append(index[event["asin"]])
        self.histories = list(by_user.values())
        self.leaf = [row["category"][-1] for row in self.rows]
        self.brand = [row["brand"] for row in self.rows]

    def overlap(self):
        """(items, items): weight of the tokens of category, brand and title that two items share, rare ones more."""
        tokens = [
            {f"category {row['category'][-1]}", f"brand {row['brand']}"} - {"brand "}
            | {word.strip(",:()[]") for word in row["title"].lower().split()}
            for row in self.rows
        ]
        column = {token: i for i, token in enumerate(sorted(set().union(*tokens)))}
        has = np.zeros((len(tokens), len(column)))
        for i, own in enumerate(tokens):
            has[i, [column[token] for token in own]] = 1
        return (has * np.log(len(tokens) / has.sum(0))) @ has.T

    def ndcg_uni100(self, score):
        """Mean NDCG@10 of the last item against 100 others; score(user, candidates); ties take their middle rank."""
        rng = np.random.default_rng(0)
        gains = []
        for user, history in enumerate(self.histories):
            others = np.setdiff1d(np.arange(len(self.rows)), history)
            scores = score(user, np.r_[history[-1], rng.choice(others, 100, replace=False)])
            rank = 1 + (scores[1:] > scores[0]).sum() + (scores[1:] == scores[0]).sum() / 2
            gains.append(1 / np.log2(1 + rank) if rank <= 10 else 0)
        return float(np.mean(gains))


@pytest.fixture(scope="module", params=DOMAINS)
def domain(request):
    return request.param


@pytest.fixture(scope="module")
def shelf(domain):
    return Shelf(domain)


def test_next_items_are_told_by_text_not_by_popularity(shelf, domain):
    overlap = shelf.overlap()
    counts = np.bincount(np.concatenate([h[:-1] for h in shelf.histories]), minlength=len(shelf.rows))

    def by_text(shift):
        def score(user, candidates):
            last_three = shelf.histories[user - shift][:-1][-3:][::-1]
            return sum(
                weight * overlap[candidates, item] for weight, item in zip((1, 0.5, 0.25), last_three, strict=True)
            )

        return score

    text = shelf.ndcg_uni100(by_text(0))
    stranger = shelf.ndcg_uni100(by_text(1))
    popularity = shelf.ndcg_uni100(lambda _, candidates: counts[candidates])
    print(f"{domain}: text {text:.3f}, text of another user {stranger:.3f}, popularity {popularity:.3f}")
    assert text > 0.5
    assert stranger < 0.15
    assert 0.045 < popularity < 0.15  # 0.045 is chance


def test_sizes_and_lengths(shelf, domain):
    users, items = next(size for recipe, size in SIZES.items() if recipe.name == domain)
    assert (len(shelf.histories), len(shelf.rows)) == (users, items)
    least, most = (5, 9) if domain in NEW_DOMAINS else (6, 14)
    lengths = [len(history) for history in shelf.histories]
    assert (min(lengths), max(lengths)) == (least, most)
    assert all(len(set(history)) == len(history) for history in shelf.histories)
    per_brand = Counter(brand for brand in shelf.brand if brand).values()
    assert min(per_brand) >= 7
    assert max(per_brand) <= 20
    per_leaf = Counter(shelf.leaf).values()
    assert min(per_leaf) >= 8
    assert max(per_leaf) <= 27
    events = Counter(item for history in shelf.histories for item in history)
    assert sum(events[item] >= 5 for item in range(items)) > 0.93 * items


def test_behaviour_keeps_to_category_and_brand_and_moves_to_complements(shelf):
    pairs = [(a, b) for history in shelf.histories for a, b in pairwise(history)]
    same_leaf = np.mean([shelf.leaf[a] == shelf.leaf[b] for a, b in pairs])
    same_brand = np.mean([shelf.brand[a] == shelf.brand[b] for a, b in pairs if shelf.brand[a] and shelf.brand[b]])
    assert 0.68 < same_leaf < 0.85
    assert 0.6 < same_brand < 0.85
    moves = Counter((shelf.leaf[a], shelf.leaf[b]) for a, b in pairs if shelf.leaf[a] != shelf.leaf[b])
    commonest = sum(max(n for (a, _), n in moves.items() if a == leaf) for leaf in set(shelf.leaf))
    assert commonest / moves.total() > 0.4  # with 20 leaves chance would give little more than 0.05


def test_what_real_catalogues_carry_is_there(shelf):
    def share(test):
        return np.mean([bool(test(row)) for row in shelf.rows])

    assert len(shelf.raw) - len(shelf.rows) == 4  # duplicate ASINs
    assert 0.02 < share(lambda row: not row["brand"]) < 0.12
    assert 0.08 < share(lambda row: not row["price"]) < 0.25
    assert 0.06 < share(lambda row: not row["description"]) < 0.2
    assert share(lambda row: "<" in "".join(row["description"])) > 0.02
    assert share(lambda row: "&quot;" in "".join(row["description"])) > 0.01
    assert share(lambda row: "&amp;" in row["title"]) > 0
    assert all(row["price"] == "" or row["price"].startswith("$") for row in shelf.rows)
    assert share(lambda row: row["also_buy"]) > 0.6
    known = {row["asin"] for row in shelf.rows}
    assert all(set(row["also_buy"]) <= known - {row["asin"]} for row in shelf.rows)
    assert {type(row["rank"]) for row in shelf.rows} == {str, list}
    assert all(" in " in row["rank"] for row in shelf.rows if isinstance(row["rank"], str))


def test_time_grows_with_a_few_ties(shelf):
    times = defaultdict(list)
    for event in shelf.events:
        times[event["reviewerID"]].append(event["unixReviewTime"])
    gaps = np.concatenate([np.diff(of_user) for of_user in times.values()])
    assert (gaps >= 0).all()
    assert 0.01 < (gaps == 0).mean() < 0.06


def test_movies_share_titles_across_categories_and_brands():
    shelf = Shelf("movies")
    seen = defaultdict(set)
    for row in shelf.rows:
        seen[row["title"]].add((row["category"][-1], row["brand"]))
    assert sum(len(places) for places in seen.values() if len(places) > 1) >= 20
    assert any(len({leaf for leaf, _ in places}) > 1 for places in seen.values())


def test_volumes_of_a_series_follow_each_other():
    catalogue = make_catalogue(BOOKS, 420, POPULARITY_EXPONENT, np.random.default_rng(1))
    first = np.flatnonzero(catalogue.next_volume >= 0)
    assert len(first) > 50
    for item in first:
        following = catalogue.next_volume[item]
        assert catalogue.brand[item] == catalogue.brand[following]
        assert catalogue.leaf[item] == catalogue.leaf[following]
        series, number = catalogue.items[item].title.rsplit(", ", 1)[1].rsplit(" ", 1)
        assert catalogue.items[following].title.endswith(f", {series} {int(number) + 1}")


def test_complements_have_the_order_of_the_shelf():
    catalogue = make_catalogue(INSTRUMENTS, 300, POPULARITY_EXPONENT, np.random.default_rng(1))
    names = [leaf.name for leaf in catalogue.leaves]
    chain = [names.index("Acoustic Guitars")]
    for _ in range(4):
        chain.append(catalogue.next_leaf[chain[-1]])
    assert [names[i] for i in chain] == [
        "Acoustic Guitars",
        "Guitar Strings",
        "Guitar Picks",
        "Guitar Straps",
        "Acoustic Guitars",
    ]


def test_shipped_files_are_those_of_the_generator_and_small(tmp_path):
    write(tmp_path / "a", seed=7)
    write(tmp_path / "b", seed=7)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(names) == 2 * len(DOMAINS)
    for name in names:
        written = (tmp_path / "a" / name).read_bytes()
        assert written == (tmp_path / "b" / name).read_bytes()
        # The content is compared, not the bytes: another zlib may compress differently.
        assert gzip.decompress(written) == gzip.decompress((ASSETS / "sample" / name).read_bytes())
    assert sum(path.stat().st_size for path in (ASSETS / "sample").iterdir()) < 3e6


def test_seeds_make_other_worlds():
    def brands(recipe, seed):
        return {row["brand"] for row in generate(recipe, 20, 60, seed)[0]} - {""}

    assert brands(BOOKS, 1) == brands(BOOKS, 2)
    assert not brands(BOOKS, 1) & brands(dataclasses.replace(BOOKS, vocabulary_seed=5), 1)
    assert generate(BOOKS, 20, 60, 1) == generate(BOOKS, 20, 60, 1)
    assert generate(BOOKS, 20, 60, 1)[1] != generate(BOOKS, 20, 60, 2)[1]


def test_too_few_items_is_said():
    with pytest.raises(ValueError, match="14 different events"):
        generate(BOOKS, 5, 10, 1)


def test_unknown_domain_names_the_others():
    with pytest.raises(DataError, match=r"no domain 'toys'.*books"):
        sample_files("toys")


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("UPSR_HOME", str(tmp_path))


@pytest.mark.usefixtures("empty_home")
def test_the_sample_is_imported_once_and_nearly_everything_survives():
    names = [sample_name(domain) for domain in DOMAINS]
    told = []
    assert ensure_sample(lambda done, total, _: told.append((done, total))) == names
    assert told[0] == (0, 7)
    assert told[-1] == (7, 7)
    assert ensure_sample() == []
    assert {entry["name"] for entry in list_datasets() if entry["synthetic"]} == set(names)
    sizes = {recipe.name: size for recipe, size in SIZES.items()}
    for domain in DOMAINS:
        dataset = load_dataset(sample_name(domain))
        users, items = sizes[domain]
        assert len(dataset.offsets) - 1 > 0.97 * users
        assert len(dataset.items) > 0.95 * items
        for attribute in ("title", "category", "brand", "price", "description", "related", "salesrank"):
            assert attribute in dataset.attributes
        assert not dataset.items["title"].str.contains("&amp;").any()
        assert not dataset.items["description"].str.contains("<").any()


@pytest.mark.usefixtures("empty_home")
def test_a_cancelled_import_goes_on_where_it_stopped():
    def stop_at_second(done, total, what):
        if done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        ensure_sample(stop_at_second)
    assert [entry["name"] for entry in list_datasets()] == ["sample:books"]
    assert ensure_sample() == [sample_name(domain) for domain in DOMAINS[1:]]


@pytest.mark.usefixtures("empty_home")
def test_an_older_sample_is_replaced():
    ensure_sample()
    import_dataset(sample_name("movies"), *sample_files("books"), synthetic=True)
    assert ensure_sample() == [sample_name("movies")]
    assert ensure_sample() == []
