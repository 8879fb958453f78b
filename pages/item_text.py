"""Item text: which attributes, in which order and format, make an item's text - and what of it a model will see."""

import numpy as np
import pandas as pd
import streamlit as st

from app import cache, charts, overview_tables, state
from app.components import (
    Span,
    act,
    chart,
    cut_line,
    empty_state,
    errors_shown,
    legend,
    page_head,
    plain,
    section,
    share,
    token_strip,
)
from app.design_editor import Stage, attribute_facts, editor
from upsr_core.text import catalogue_overview, saved_designs
from upsr_core.text.cut import cut_of
from upsr_core.text.token_view import trace_items

STAGES: dict[Stage, str] = {"finetune": "Fine-tuning and ranking", "pretrain": "Pre-training"}
USED = {
    "pretrain": "Only of histories of other datasets that a trial learns first.",
    "finetune": "Of the dataset that is learned and ranked: the one that counts without pre-training.",
}


def design_shelf() -> None:
    """Presets and saved designs: load, delete, save."""
    known = {**saved_designs.PRESETS, **saved_designs.list_designs()}
    current = next((name for name, design in known.items() if design == state.design()), None)
    if current and current != st.session_state.get("shelf_current"):
        st.session_state["shelf"] = current
    st.session_state["shelf_current"] = current
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Saved designs", list(known), key="shelf", width=260)
        st.button(
            "Load", key="load_design", on_click=act, args=(lambda: state.set_design(saved_designs.load_design(name)),)
        )
        st.button(
            "Delete", key="delete_design", disabled=name in saved_designs.PRESETS,
            on_click=lambda: act(saved_designs.delete_design, name, done=f"Deleted the design {name!r}."),
        )  # fmt: skip
        st.space("small")
        new = st.text_input("Save this design as", key="design_name", placeholder="a name", width=220)
        replaced = new.strip() in saved_designs.list_designs() and new.strip() != current
        st.button("Replace" if replaced else "Save", key="save_design", type="primary", on_click=save)
        if current:
            st.badge(plain(current), icon=":material/check:", color="green")
        else:
            st.badge("not saved", color="gray")
    if replaced:
        st.caption(f"There is a saved design of this name: *Replace* puts this one in place of {plain(new.strip())}.")


def save() -> None:
    name = st.session_state.design_name
    act(saved_designs.save_design, name, state.design(), done=f"Saved the design {name!r}.")


def stage_column(stage: Stage, title: str) -> None:
    section(title, f"{USED[stage]} Beside each attribute: the items that have it, and its tokens per item.")
    item = getattr(state.design(), stage)
    facts = attribute_facts(overview_tables.coverage(data), pd.DataFrame({"attribute": [], "tokens": []}))
    with errors_shown():
        texts = cache.item_texts(data, item, tokenizer)
        facts = attribute_facts(overview_tables.coverage(data), catalogue_overview.attribute_tokens(texts))
    editor(stage, data.attributes, facts)


def drop_missing() -> None:
    state.set_design(state.design().only(data.attributes))


def chosen_items() -> np.ndarray:
    """Positions of the items to look at."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.segmented_control("Items", ["Random", "Longest", "Search"], default="Random", required=True, key="way")
        count = st.number_input("How many", 1, 30, 5, key="how_many", width=120)
        if way == "Search":
            words = st.text_input("Words in any attribute", key="words", icon=":material/search:", width=320)
            found = overview_tables.matching(data.items, words)
            st.caption(f"{len(found):,} of {len(data.items):,} items")
            return found[:count]
        if way == "Random":
            seed = st.number_input("Seed", 0, 10_000, 0, key="items_seed", width=120)
            return np.random.default_rng(seed).permutation(len(data.items))[:count]
    full = cache.item_texts(data, state.design().finetune, tokenizer).full_tokens
    return np.argsort(-full, kind="stable")[:count]


def show_items(positions: np.ndarray) -> None:
    if not len(positions):
        empty_state("No item has all of these words. Try fewer or shorter ones.")
        return
    chosen = data.items.iloc[positions]
    design = state.design()
    traced = {stage: trace_items(getattr(design, stage), chosen, tokenizer) for stage in STAGES}
    totals = {
        stage: cache.item_texts(data, getattr(design, stage), tokenizer).full_tokens[positions] for stage in STAGES
    }
    legend(dict.fromkeys([*design.pretrain.attributes, *design.finetune.attributes]))
    for row, item_id in enumerate(chosen.item_id):
        for column, stage in zip(st.columns(2, gap="large"), STAGES, strict=True):
            tokens, total = traced[stage][row], int(totals[stage][row])
            kept = sum(token.kept for token in tokens)
            with column:
                st.caption(f"**{plain(item_id)}**  {kept} of {total} tokens kept")
                if not tokens:
                    st.caption("No text under this design: none of its attributes has a value.")
                token_strip(
                    Span(
                        token.text, token.attribute, f"{token.attribute}{'' if token.kept else ', cut'}", not token.kept
                    )
                    for token in tokens
                )


def numbers(stage: str) -> None:
    design = state.design()
    item = getattr(design, stage)
    texts, facts = cache.item_texts(data, item, tokenizer), cache.text_summary(data, item, tokenizer)
    with st.container(horizontal=True):
        st.metric("Tokens per item as cut, mean", f"{facts['mean_tokens']:.1f}")
        st.metric("Items cut", share(facts["cut"]), help="Items that lose at least one token to a cap.")
        st.metric("Tokens lost", share(facts["tokens_lost"]), help="Share of all tokens that the caps remove.")
        st.metric(
            "Identical items", share(facts["identical"]),
            help="Items whose tokens, as cut, equal another item's. Likelihood cannot tell them apart: they tie.",
        )  # fmt: skip
    cut_line(cut_of(texts))
    chart(charts.token_histogram(catalogue_overview.token_counts(texts), item.cap), f"tokens_{stage}")


def history_room() -> None:
    design = state.design()
    fit = catalogue_overview.history_fit(cache.builder(data, design, tokenizer), data)
    whole = (fit.kept == fit["items"]).mean()
    st.markdown(
        f"With the fine-tuning text, the prompt of {design.max_tokens} tokens holds the whole history of "
        f"**{share(whole)}** of the users; at most the newest **{fit.kept.max():,}** items fit."
    )


page_head(
    "Item text",
    "Choose which attributes become an item's text, in which order and format, and see what the language model reads.",
)
left, right = st.columns(2)
with left:
    data = state.choose_dataset()
with right:
    tokenizer = state.choose_tokenizer()
design_shelf()

missing = {name for stage in STAGES for name in getattr(state.design(), stage).attributes} - set(data.attributes)
if missing:
    names = ", ".join(plain(name) for name in sorted(missing))
    st.warning(f"{plain(data.name)} has no attribute {names}, so this design has no texts here.")
    st.button(f"Leave {names} out of the design", key="drop_missing", on_click=drop_missing)

for column, (stage, title) in zip(st.columns(2, gap="large"), STAGES.items(), strict=True):
    with column:
        stage_column(stage, title)

if not missing:
    section("What the language model reads", "Struck through: cut by a cap, never seen by the model.")
    show_items(chosen_items())
    section("The whole catalogue under this design")
    for column, stage in zip(st.columns(2, gap="large"), STAGES, strict=True):
        with column:
            st.markdown(f"**{STAGES[stage]}**")
            numbers(stage)
    stages = [
        catalogue_overview.attribute_tokens(cache.item_texts(data, getattr(state.design(), stage), tokenizer)).assign(
            stage=title
        )
        for stage, title in STAGES.items()
    ]
    chart(charts.attribute_tokens(pd.concat(stages)), "attribute_tokens")
    with errors_shown():
        history_room()
