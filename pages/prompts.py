"""Prompts: one user's history as the text sequence that a language model reads, and a training sample of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from app import cache, state
from app.components import (
    Span,
    empty_state,
    errors_shown,
    legend,
    page_head,
    plain,
    section,
    share,
    token_strip,
)
from app.token_spans import sequence_spans, target_spans
from app.user_choice import choose_user
from upsr_core.errors import DesignError
from upsr_core.paper.published_values import said
from upsr_core.text.design import PAPER_PROMPT, Design
from upsr_core.text.masking import choose_masks
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.tokenizer import readable
from upsr_core.training.spec import TrainingSpec

STAGES = {"Fine-tuning and ranking": "finetune", "Pre-training": "pretrain"}
MASKS = {"As in training": TrainingSpec(tokens=0).last_only, "Random items": 0.0, "Last item": 1.0}


def items_table(history: np.ndarray, first: int) -> pd.DataFrame:
    shown = data.items.iloc[history]
    table = shown[["item_id", *[name for name in ("title", "category", "brand") if name in shown]]].copy()
    table.insert(0, "place", np.arange(first, first + len(history)))
    return table


def show_items(history: np.ndarray, first: int = 1) -> None:
    st.dataframe(
        items_table(history, first),
        hide_index=True,
        column_config={"place": st.column_config.NumberColumn("Place", help="1 is the oldest", width="small")},
        height=min(320, 38 + 35 * len(history)),
    )


def edit_prompt() -> None:
    design = state.design()
    with st.expander("Prompt and limit", icon=":material/edit:"):
        st.session_state["prompt"] = st.session_state.pop("prompt_broken", design.prompt)
        st.text_area(
            "Prompt", key="prompt", on_change=set_prompt,
            help="{history} stands for the items and {mask} for the one to predict; each once, in this order.",
        )  # fmt: skip
        st.session_state["max_tokens"] = design.max_tokens
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input("Limit, tokens", 32, 4096, key="max_tokens", width=160, on_change=set_prompt)
            paper = {**design.model_dump(), "prompt": PAPER_PROMPT, "max_tokens": said("longest text sequence")}
            st.button("Paper's prompt", key="paper_prompt", on_click=lambda: state.set_design(Design(**paper)))


def set_prompt() -> None:
    text, limit = st.session_state["prompt"], st.session_state["max_tokens"]
    try:
        state.set_design(Design(**{**state.design().model_dump(), "prompt": text, "max_tokens": limit}))
    except DesignError as error:
        st.session_state["prompt_broken"] = text
        st.session_state.setdefault("notices", []).append(error)


def ranking_sequence(builder: SequenceBuilder, history: np.ndarray, target: int) -> None:
    section(
        "Text sequence for ranking",
        "The encoder reads this; candidates are then scored as the text that <extra_id_0> stands for. "
        "Hover over a token for its item and attribute.",
    )
    sequence = builder.ranking(history)
    with st.container(horizontal=True):
        st.metric("Tokens", f"{len(sequence.ids):,} of {builder.limit:,}")
        st.metric("Items in the prompt", f"{len(history) - sequence.dropped:,} of {len(history):,}")
        st.metric("Oldest items dropped", f"{sequence.dropped:,}")
    legend(builder.texts.design.attributes)
    with st.container(border=True):
        token_strip(sequence_spans(sequence, builder, history, data.items), height=420)
    if sequence.dropped:
        st.markdown(f"**Fell off**: the {sequence.dropped:,} oldest items; the model never sees them.")
        show_items(history[: sequence.dropped])
    target_text = builder.texts.item(target)
    tokens = readable(builder.tokenizer.tokens(target_text.ids.tolist()))
    name = plain(data.items.item_id.iloc[target])
    if target in history:
        st.markdown(f"**Target**, the last item of this user ({name}):")
        st.caption("The user took it before, so it stands in the prompt too. Such users are not evaluated.")
    else:
        st.markdown(f"**Target**, the last item of this user ({name}), never in the prompt:")
    owners = [builder.texts.design.attributes[owner] for owner in target_text.owner.tolist()]
    token_strip(Span(t, name, name) for t, name in zip(tokens, owners, strict=True))


def training_sample(builder: SequenceBuilder, history: np.ndarray) -> None:
    spec = TrainingSpec(tokens=0)
    section(
        "Masked item text prediction",
        f"A training sample of this user without the held-out items: {share(spec.mask_share)} of the items "
        f"are masked at random, in {share(spec.last_only)} of the samples only the last one.",
    )
    if not len(history):
        empty_state("This user has no training history: with fewer than three events all of them are held out.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = st.segmented_control("Masks", list(MASKS), default="As in training", required=True, key="masks")
        seed = st.number_input("Seed", 0, 100_000, 0, key="mask_seed", width=130)
        st.button("Draw again", icon=":material/refresh:", key="redraw", on_click=draw_again)
    masks = choose_masks(len(history), np.random.default_rng(seed), spec.mask_share, MASKS[way])
    try:
        sequence, target = builder.masked(history, masks)
    except ValueError:
        empty_state("All masked items of this draw fell off at the old end of the prompt. Draw again.")
        return
    kept = [position for position in masks if position >= sequence.dropped]
    read, write = st.columns([3, 2], gap="large")
    with read, st.container(border=True):
        st.caption(f"Encoder reads: {len(sequence.ids):,} tokens")
        token_strip(sequence_spans(sequence, builder, history, data.items), height=320)
    with write, st.container(border=True):
        st.caption(f"Decoder learns to write: {len(target):,} tokens, {len(kept)} masked of {len(history)} items")
        masked_items = [int(history[position]) for position in kept]
        token_strip(target_spans(target, masked_items, builder, data.items), height=320)


def draw_again() -> None:
    st.session_state["mask_seed"] = (st.session_state["mask_seed"] + 1) % 100_000


page_head(
    "Prompts", "Read a user's history exactly as the language model will: every token with its item and attribute."
)
left, right = st.columns(2)
with left:
    data = state.choose_dataset()
with right:
    tokenizer = state.choose_tokenizer()
design = state.design()
with st.container(horizontal=True, vertical_alignment="bottom"):
    stage = STAGES[
        st.segmented_control("Stage", list(STAGES), default="Fine-tuning and ranking", required=True, key="stage")
    ]
    st.markdown(f"Item text: **{plain(getattr(design, stage).label)}**")
    st.page_link(Path(__file__).with_name("item_text.py"), label="Change it", icon=":material/match_word:")
edit_prompt()
user = choose_user(data.users, np.arange(len(data.users)))
events = data.history(user)
st.caption(f"{len(events):,} interactions of this user")
with errors_shown():
    builder = SequenceBuilder(state.design(), cache.item_texts(data, getattr(state.design(), stage), tokenizer))
    ranking_sequence(builder, events[:-1], int(events[-1]))
    with st.expander(f"History, {len(events) - 1:,} items, the newest last", icon=":material/history:"):
        show_items(events[:-1])
    training_sample(builder, events[:-2])
