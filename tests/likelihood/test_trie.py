import numpy as np
from hypothesis import given, settings
from scored_texts import TITLES, texts_of, titles_of_any_kind

from upsr_core.likelihood.trie import SENTINEL, START, CandidateTrie, stored_trie
from upsr_core.likelihood.trie_batches import BLOCK, Tree, forest


def path(trie: CandidateTrie, node: int) -> list[int]:
    nodes = []
    while node > SENTINEL:
        nodes.append(node)
        node = int(trie.parent[node])
    assert node == SENTINEL and trie.parent[SENTINEL] == START
    return nodes[::-1]


@settings(max_examples=40, deadline=None)
@given(titles=titles_of_any_kind)
def test_the_path_to_a_terminal_spells_the_text(titles):
    texts = texts_of(titles)
    trie = CandidateTrie.build(texts)
    for item in range(len(titles)):
        nodes = path(trie, int(trie.terminal[item]))
        assert trie.token[nodes].tolist() == texts.ids_of(item).tolist()
        assert trie.depth[nodes].tolist() == list(range(2, len(nodes) + 2))
    prefixes = {tuple(texts.ids_of(i)[:n]) for i in range(len(titles)) for n in range(1, len(texts.ids_of(i)) + 1)}
    assert len(trie) == len(prefixes) + 2
    below = [sum(node in (START, SENTINEL, *path(trie, other)) for other in range(2, len(trie))) for node in range(2)]
    assert (trie.end[:2] - np.arange(2)).tolist() == [len(trie), len(trie) - 1] and below == [len(trie) - 2] * 2
    for node in range(2, len(trie)):
        inside = [other for other in range(2, len(trie)) if node in path(trie, other)]
        assert inside == list(range(node, trie.end[node]))


def test_shared_prefixes_are_one_row_and_leaves_none():
    trie = CandidateTrie.build(texts_of(["Red drum one", "Red drum two"]))
    both = Tree.of(trie, np.unique(trie.terminal))
    alone = Tree.of(trie, trie.terminal[:1])
    assert len(both.fed) == len(alone.fed) + (len(both.nodes) - len(alone.nodes)) - 1
    assert not np.isin(trie.terminal, both.fed).any()


def test_every_row_attends_to_its_prefixes_and_to_nothing_else():
    rng = np.random.default_rng(0)
    titles = [" ".join(rng.choice(["red", "blue", "drum", "of", "north"], size=6)) for _ in range(80)]
    trie = CandidateTrie.build(texts_of(titles))
    tree = Tree.of(trie, np.unique(trie.terminal))
    rows = forest([tree, tree])
    count = len(tree.fed)
    assert len(rows.tokens) == 2 * count > 2 * BLOCK
    for row in range(2 * count):
        block, place = divmod(row, BLOCK)
        distance = rows.distance[block, place]
        found = {int(rows.keys[block, key]): int(distance[key]) for key in np.flatnonzero(distance >= 0)}
        start, node = row - row % count if row < count else count, int(tree.fed[row % count])
        above = [node, *path(trie, node)[-2::-1], SENTINEL, START] if node > SENTINEL else [node, START]
        above = list(dict.fromkeys(above))
        rows_above = {start + int(np.searchsorted(tree.fed, n)): steps for steps, n in enumerate(above)}
        assert found == rows_above


def test_parts_of_a_tree_hold_every_text_once():
    trie = CandidateTrie.build(texts_of(TITLES))
    tree = Tree.of(trie, np.unique(trie.terminal))
    for most in (1, 3, 7, 1000):
        parts = tree.split(most)
        assert np.concatenate([part.terminals for part in parts]).tolist() == tree.terminals.tolist()
    assert len(tree.split(1000)) == 1 and len(tree.split(1)) > 3


def test_a_trie_is_stored_and_a_damaged_one_built_again(home, monkeypatch):
    texts = texts_of(TITLES)
    first = stored_trie(texts, "catalogue")
    [file] = (home / "tries").glob("*.npz")
    monkeypatch.setattr(CandidateTrie, "build", lambda _: 1 / 0)
    again = stored_trie(texts, "catalogue")
    assert all((getattr(first, name) == getattr(again, name)).all() for name in vars(first))
    monkeypatch.undo()
    monkeypatch.setenv("UPSR_HOME", str(home))
    file.write_bytes(file.read_bytes()[:100])
    assert (stored_trie(texts, "catalogue").terminal == first.terminal).all()
    assert len(list((home / "tries").iterdir())) == 1
