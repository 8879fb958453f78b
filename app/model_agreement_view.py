"""The view "Side by side" of the page Users: how trials agree for a user, where they part, what they lean towards."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import cache, explain_charts, run_charts
from app.components import chart, empty_state, plain, section
from app.short_texts import visible
from upsr_core.explain.instance import instance_of
from upsr_core.explain.model_agreement import agreement, side_by_side, stored_scores
from upsr_core.models.instance import Instance, name_of
from upsr_core.plm.loading import load_tokenizer
from upsr_core.runs.run import Run
from upsr_core.schema import ITEM
from upsr_core.text.catalogue_overview import identical_groups
from upsr_core.text.render import ItemTexts

POPULARITY = "by popularity"  # a name that no column of an instance has
PARTED = 30  # candidates listed where models part


def sides(runs: list[Run], user: int) -> None:
    section(
        "Models side by side",
        "The same user and candidates under every trial chosen above, and under popularity.",
    )
    instance = instance_of(runs[0], user)
    titles = {run.id: f"{number}. {run.title}" for number, run in enumerate(runs, start=1)}
    scores = {run.id: all_scores(instance, run, user) for run in runs} | {
        POPULARITY: instance.candidates.popularity.to_numpy(dtype=float)
    }
    titles[POPULARITY] = "popularity alone"
    table = side_by_side(instance, scores)
    names = {row[ITEM]: name_of(row) for _, row in instance.candidates.iterrows()}
    table.insert(1, "name", table[ITEM].map(names))
    agree(scores, titles)
    part(table, list(scores), titles)
    lean(runs, instance, user, scores, titles)
    duplicates(runs, instance)


def all_scores(instance: Instance, run: Run, user: int) -> np.ndarray:
    """Stored scores; where a trial has not stored all of these candidates, its model scores them now."""
    stored = stored_scores(instance, run, user)
    if not np.isnan(stored).any():
        return stored
    ranker = cache.ranker(run)
    own = Instance(run.spec.design if run.spec.reads_text else None, instance.history, instance.candidates)
    key = ("scores", run.id, run.status().finished, user, tuple(instance.candidates.item))
    return cache.once(key, lambda: ranker.read([own])[0]).scores  # as the view of explanations keeps it


def agree(scores: dict[str, np.ndarray], titles: dict[str, str]) -> None:
    table = agreement(scores)
    table["a"], table["b"] = table.a.map(titles), table.b.map(titles)
    table["top"] = [f"{top} of {of}" for top, of in zip(table.top, table.of, strict=True)]
    st.dataframe(
        table,
        hide_index=True,
        column_order=["a", "b", "tau", "top"],
        column_config={
            "a": "Trial",
            "b": "Against",
            "tau": st.column_config.NumberColumn(
                "Agreement", format="%+.2f", help="Kendall's tau of the scores: 1 the same order, 0 none, -1 reversed"
            ),
            "top": st.column_config.TextColumn("Of the ten best, shared"),
        },
    )


def part(table: pd.DataFrame, keys: list[str], titles: dict[str, str]) -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("**Rank against rank**")
        chart(explain_charts.rank_against_rank(table, keys[0], keys[1], titles), "rank_against_rank", "ranks")
    with right:
        st.markdown("**Where they part**, the farthest apart first")
        shown = table.head(PARTED)
        if not shown[ITEM].isin(table[table.target][ITEM]).any():
            shown = pd.concat([shown, table[table.target]])
        shown = shown.assign(mark=np.where(shown.target, "◆", ""), name=[visible(name, 200) for name in shown.name])
        number: dict[str, Any] = {"format": "%g", "width": 75}
        st.dataframe(
            shown,
            hide_index=True,
            height=430,
            column_order=["mark", "name", *keys, "apart"],
            column_config={
                "mark": st.column_config.TextColumn("", width=30, help="The target"),
                "name": st.column_config.TextColumn("Candidate", width=220),
                **{
                    key: st.column_config.NumberColumn(
                        titles[key].split(". ")[0].split(" ")[0], help=titles[key], **number
                    )
                    for key in keys
                },
                "apart": st.column_config.NumberColumn("Apart", **number),
            },
        )
        st.caption("Columns: " + "; ".join(plain(titles[key]) for key in keys))


def lean(runs: list[Run], instance: Instance, user: int, scores: dict[str, np.ndarray], titles: dict[str, str]) -> None:
    section(
        "What the scores lean towards",
        "Does a score favour popular items, or short texts? The rank correlation within all candidates of a user, mean "
        "over users with its 95 % interval; zero is no leaning. Of a whole catalogue a sample of users is taken: the "
        "legend says how many.",
    )
    readers = [run for run in runs if "tokens" in run.scores()]
    lengths = readers[0] if readers else None
    parts = [cache.leanings(run, None if run in readers else lengths).assign(trial=titles[run.id]) for run in runs]
    table = pd.concat(parts, ignore_index=True).dropna(subset=["mean"])
    left, right = st.columns(2, gap="large")
    with left:
        chart(explain_charts.leanings(table), "leanings", "leanings")
    with right:
        if lengths is None:
            empty_state("None of these trials reads texts, so there is no text length to lean towards.")
            return
        texts = _texts(lengths, instance)
        shown = instance.candidates[["target"]].assign(
            tokens=np.diff(texts.offsets), score=scores[lengths.id],
            name=[name_of(row) for _, row in instance.candidates.iterrows()],
        )  # fmt: skip
        st.markdown(f"**This user**: {plain(titles[lengths.id])}")
        chart(
            explain_charts.score_length(shown, run_charts.AXES[lengths.spec.model.own_score]),
            "score_length",
            "score-length",
        )


def duplicates(runs: list[Run], instance: Instance) -> None:
    """Candidates that a trial cannot tell apart, because their texts are the same as cut."""
    section("Candidates that cannot be told apart", "Their texts, as cut, are the same: they tie by nature.")
    for run in runs:
        if not run.spec.reads_text:
            continue
        groups = identical_groups(_texts(run, instance))
        found = instance.candidates.assign(
            group=groups, text=[visible(text, 300) for text in _texts(run, instance).texts]
        )
        found = found[found.group > 0].sort_values("group")
        st.markdown(f"**{plain(run.title)}**: {len(found)} of {len(instance.candidates)} candidates")
        if len(found):
            st.dataframe(
                found,
                hide_index=True,
                column_order=["group", ITEM, "text"],
                column_config={"group": st.column_config.NumberColumn("Group", width=60), ITEM: "Item", "text": "Text"},
            )


def _texts(run: Run, instance: Instance) -> ItemTexts:
    return ItemTexts(run.spec.design.finetune, instance.candidates, load_tokenizer(run.spec.plm.name))
