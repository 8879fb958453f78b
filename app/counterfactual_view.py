"""The view "What if" of the page Users: another history, another text, another design, and where the ranks go."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

from app import cache, explain_charts, state
from app.components import chart, download_csv, empty_state, plain, section
from app.short_texts import visible
from upsr_core.datasets.store import Dataset
from upsr_core.explain.counterfactual import compare, edited_history
from upsr_core.explain.instance import instance_of
from upsr_core.models.instance import Instance, name_of
from upsr_core.runs.run import Run
from upsr_core.schema import ITEM
from upsr_core.text import saved_designs
from upsr_core.text.design import Design

TRAINED, CURRENT = "As trained", "The design at work"
SHOWN, HITS = 12, 20


@dataclass
class Edits:
    """What a person has changed for one user under one trial; nothing of it is stored."""

    added: list[int] = field(default_factory=list)
    texts: dict[int, dict[str, str]] = field(default_factory=dict)  # of candidates, by row
    version: int = 0


def what_if(run: Run, data: Dataset, user: int) -> None:
    section(
        "What if",
        "Change the history, a candidate's text or the design, and see the ranks move. Nothing of it is stored.",
    )
    instance = instance_of(run, user)
    by_text = run.spec.kind.rereads_text
    owner = (run.id, user)
    if st.session_state.get("what_if_of") != owner:
        st.session_state["what_if_of"], st.session_state["what_if"] = owner, Edits()
    edits: Edits = st.session_state["what_if"]
    changed = history_editor(instance, data, edits, by_text)
    if by_text:
        left, right = st.columns([2, 3], gap="large")
        with left:
            changed = design_choice(changed, run.spec.design, data)
        with right:
            changed = candidate_editor(changed, edits)
    elif run.spec.reads_text:
        st.caption("This model reads texts once for all items: only the history can be changed here.")
    st.button("Undo all changes", key="what_if_undo", icon=":material/undo:", on_click=undo)
    show(instance, changed, run)


def undo() -> None:
    version = st.session_state["what_if"].version + 1
    st.session_state["what_if"] = Edits(version=version)
    st.session_state["what_if_design"] = TRAINED


def history_editor(instance: Instance, data: Dataset, edits: Edits, by_text: bool) -> Instance:
    """The history as a table to edit: leave items out, put them in another order, change their texts; and add some."""
    changed = instance
    for item in edits.added:
        changed = changed.with_item(data, item, len(changed.history))
    names = list(instance.attributes) if by_text else [n for n in ("title", "category") if n in data.items]
    table = changed.history[[*names, ITEM]].copy()
    table.insert(0, "use", True)
    table.insert(1, "place", np.arange(1, len(table) + 1, dtype=float))
    st.markdown("**History**: take items out, number them anew, edit their texts; the last place is the newest.")
    edited = st.data_editor(
        table,
        key=f"what_if_history_{edits.version}",
        hide_index=True,
        height=min(420, 40 + 35 * len(table)),
        disabled=[ITEM] if by_text else [ITEM, *names],
        column_config={
            "use": st.column_config.CheckboxColumn("In", width=45, help="Without the tick the item is left out"),
            "place": st.column_config.NumberColumn("Place", width=65, format="%g", help="2.5 goes between 2 and 3"),
            ITEM: st.column_config.TextColumn("Item"),
        },
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Find an item to add", key="what_if_words", icon=":material/search:", placeholder="words of any attribute",
            width=300,
        )  # fmt: skip
        found = cache.item_index(data).find(words, HITS) if words.strip() else np.zeros(0, dtype=int)
        if len(found):
            titles = {int(item): visible(name_of(data.items.iloc[item]), 70) for item in found}
            options = list(titles)
            chosen = st.selectbox("Item", options, key="what_if_item", format_func=titles.__getitem__, width=420)
            st.button("Add as the newest", icon=":material/add:", on_click=edits.added.append, args=(chosen,))
        elif words.strip():
            st.caption("No item has all of these words.")
    return edited_history(changed, edited, names)


def design_choice(instance: Instance, trained: Design, data: Dataset) -> Instance:
    designs = {
        TRAINED: trained,
        CURRENT: state.design(),
        **saved_designs.PRESETS,
        **saved_designs.list_designs(),
    }
    usable = {
        name: design
        for name, design in designs.items()
        if all(part in data.attributes for part in design.finetune.attributes)
    }
    if st.session_state.get("what_if_design") not in usable:
        st.session_state["what_if_design"] = TRAINED
    names = list(usable)
    name = st.selectbox(
        "Design", names, key="what_if_design",
        format_func=lambda name: f"{name}: {usable[name].finetune.label}",
        help="The model stays as it was trained; only the texts it reads change.",
    )  # fmt: skip
    return instance.with_design(usable[name or TRAINED])


def candidate_editor(instance: Instance, edits: Edits) -> Instance:
    """Other words for candidates, one at a time; earlier changes stay."""
    rows: list[int] = list(range(len(instance.candidates)))
    names: dict[int, str] = {
        row: f"rank {item.stored_rank:g} · {visible(name_of(item), 60)}{' ◆ target' if item.target else ''}"
        f"{' (changed)' if row in edits.texts else ''}"
        for row, item in instance.candidates.iterrows()
    }
    with st.expander("Change a candidate's text", icon=":material/edit:", expanded=bool(edits.texts)):
        row = st.selectbox("Candidate", rows, key="what_if_candidate", format_func=names.__getitem__) or 0
        for name in instance.attributes:
            before = edits.texts.get(row, {}).get(name, instance.candidates[name][row])
            value = st.text_input(name, before, key=f"what_if_{row}_{name}_{edits.version}")
            if value != instance.candidates[name][row]:
                edits.texts.setdefault(row, {})[name] = value
            elif name in edits.texts.get(row, {}):
                edits.texts[row].pop(name)
                edits.texts = {row: values for row, values in edits.texts.items() if values}
    for row, values in edits.texts.items():
        known = {name: value for name, value in values.items() if name in instance.candidates}
        instance = instance.with_text("candidates", row, **known)
    return instance


def show(before: Instance, after: Instance, run: Run) -> None:
    """Ranks before and after, side by side."""
    if after.same_as(before):
        empty_state("Nothing is changed yet. Change something above, and the ranks before and after stand here.")
        return
    ranker = cache.ranker(run)
    with st.spinner("Reading it anew…"):
        table = compare(before, after, ranker)
    table["name"] = [name_of(row) for _, row in after.candidates.loc[table.candidate].iterrows()]
    target = table[table.target].iloc[0]
    moved = int((table.before != table.after).sum())
    with st.container(horizontal=True):
        st.metric(
            "Rank of the target", f"{target.after:g}", f"{target.after - target.before:+g}", delta_color="inverse",
            help="After the change, and by how much it differs",
        )  # fmt: skip
        st.metric("Before", f"{target.before:g}")
        st.metric("Candidates that moved", f"{moved} of {len(table)}")
    chosen = table.sort_values("after").head(SHOWN).index.union(table.sort_values("before").head(SHOWN).index)
    chosen = chosen.union(table.index[table.target | table.edited])
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Ranks before and after**, the best of both and what you changed")
        chart(explain_charts.before_after(table.loc[chosen].sort_values("after")), "before_after", "what-if")
    with right:
        number: dict[str, Any] = {"format": "%g", "width": 65}
        shown = table.sort_values("after").assign(name=lambda rows: [visible(name, 200) for name in rows.name])
        shown["mark"] = np.where(shown.target, "◆", np.where(shown.edited, "✎", ""))
        st.dataframe(
            shown,
            hide_index=True,
            height=480,
            column_order=["mark", "name", "before", "after", "score_before", "score_after"],
            column_config={
                "mark": st.column_config.TextColumn("", width=30, help="◆ the target, ✎ its text was changed"),
                "name": st.column_config.TextColumn("Candidate", width=180),
                "before": st.column_config.NumberColumn("Before", **number),
                "after": st.column_config.NumberColumn("After", **number),
                "score_before": st.column_config.NumberColumn("Score before", format="%.3f", width=80),
                "score_after": st.column_config.NumberColumn("after", format="%.3f", width=80),
            },
        )
        download_csv("what-if", shown.drop(columns="mark"), "what-if", "csv_what_if")
    if after.design and before.design and after.design != before.design:
        st.caption(
            f"Read with the design {plain(after.design.finetune.label)}; the model was trained with "
            f"{plain(before.design.finetune.label)}."
        )
