"""What a reading shows: its number, what it is made of, and the items behind it."""

from typing import Any

import pandas as pd
import streamlit as st

from app import charts, indicator_charts
from app.components import chart, empty_state, plain, share
from upsr_core.datasets.store import Dataset
from upsr_core.indicators.noise import COMPONENTS
from upsr_core.indicators.result import IndicatorResult
from upsr_core.text.design import ItemDesign
from upsr_core.text.render import render

SHOWN = 300
_TWO: dict[str, Any] = {"format": "%.2f", "width": 90}
_COUNT: dict[str, Any] = {"format": "localized", "width": 75}
COLUMNS = {
    "item": st.column_config.TextColumn("Item", width=95),
    "text": st.column_config.TextColumn("Text", width=300),
    "other": st.column_config.TextColumn("Other item", width=95),
    "other text": st.column_config.TextColumn("Its text", width=330),
    "bits": st.column_config.NumberColumn("Bits", **_TWO),
    "perplexity": st.column_config.NumberColumn("Perplexity", format="%.1f", width=85),
    "familiarity": st.column_config.NumberColumn("Familiarity", format="percent", width=85),
    "correlation": st.column_config.NumberColumn("Rank correlation", **_TWO),
    "similarity": st.column_config.NumberColumn("Similarity", **_TWO),
    "tokens": st.column_config.NumberColumn("Tokens as cut", **_COUNT),
    "full_tokens": st.column_config.NumberColumn("Tokens before the cap", format="localized", width=130),
}


def headline(reading: IndicatorResult) -> tuple[str, str]:
    """The number as it is shown, and what stands under it.

    >>> headline(IndicatorResult.of("noise", 0.123)), headline(IndicatorResult.impossible("noise", "there is none"))[0]
    (('12.3 %', 'share of items'), '–')
    """
    if reading.value is None:
        return "–", "cannot be computed"
    if reading.name in ("noise", "conflict", "familiarity"):
        return share(reading.value), reading.unit
    text = f"{reading.value:,.0f}" if reading.name == "naturalness" else f"{reading.value:.2f}"
    if reading.low is not None:
        low, high = (
            (f"{end:,.0f}" if reading.name == "naturalness" else f"{end:.2f}") for end in (reading.low, reading.high)
        )
        return text, f"{reading.unit}, 95 %: {low} to {high}"
    return text, reading.unit


def behind(table: pd.DataFrame, data: Dataset, design: ItemDesign) -> pd.DataFrame:
    """The first rows of a table with ids and texts for item numbers."""
    shown = table.head(SHOWN).copy()
    for column, name in (("other", "other text"), ("item", "text")):
        if column in shown:
            rows = shown[column].astype(int)
            values = data.items.iloc[rows].to_dict("records")
            shown[column] = data.items.item_id.iloc[rows].to_numpy()
            shown.insert(shown.columns.get_loc(column) + 1, name, [render(design, value)[0][:300] for value in values])
    return shown


def items_table(table: pd.DataFrame, data: Dataset, design: ItemDesign, key: str) -> None:
    if not len(table):
        st.caption("No item.")
        return
    st.dataframe(
        behind(table, data, design), key=key, hide_index=True, height=min(300, 40 + 35 * len(table)),
        column_config=COLUMNS,
    )  # fmt: skip
    if len(table) > SHOWN:
        st.caption(f"The first {SHOWN} of {len(table):,} rows.")


def show(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str = "") -> None:
    """The parts of a reading, or why there are none."""
    if reading.value is None:
        empty_state(f"It {plain(reading.reason)}.")
        return
    st.caption(plain(reading.note))
    _VIEWS[reading.name](reading, data, design, f"{key}{reading.name}")


def _informativeness(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str) -> None:
    steps, items = reading.tables["steps"], reading.tables["items"]
    st.caption(
        "Bits are the entropy of the tokens inside one item's text: how many different words it has, not whether they "
        "are its own. Which items the texts tell apart is the picture on the right."
    )
    left, right = st.columns(2)
    with left:
        chart(indicator_charts.added_bits(steps), f"{key}_bits")
    with right:
        chart(indicator_charts.told_apart(steps), f"{key}_apart")
    options: dict[str, str | int] = {
        "Least informative": "least",
        "Most informative": "most",
        "Never told apart": "never",
    }
    options |= {f"Told apart by {name}": number for number, name in enumerate(design.attributes, start=1)}
    which = st.segmented_control("Items", list(options), default="Least informative", required=True, key=f"{key}_which")
    chosen = options[which]
    if chosen in ("least", "most"):
        items = items.sort_values("bits", ascending=chosen == "least", kind="stable")
    else:
        items = items[items.told_apart_after == (0 if chosen == "never" else chosen)]
    items_table(items[["item", "bits", "tokens"]], data, design, f"{key}_items")


def _noise(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str) -> None:
    parts = reading.facts["components"]
    titles = dict(
        zip(
            COMPONENTS,
            ("Identical", "Near-identical", "Markup", "Boilerplate", "Stacked keywords", "Repeated words"),
            strict=True,
        )
    )
    left, right = st.columns(2)
    with left:
        chart(
            indicator_charts.defects(pd.DataFrame({"part": list(titles.values()), "share": list(parts.values())})),
            f"{key}_parts",
        )
    with right:
        st.caption("How much the values vary. An attribute hardly varies when more than half of its values are one.")
        percent: dict[str, Any] = {"format": "percent"}
        st.dataframe(
            reading.tables["values"], key=f"{key}_values", hide_index=True,
            column_config={
                "with_value": st.column_config.NumberColumn("with a value", **percent),
                "effective": st.column_config.NumberColumn("effective", format="%.1f", help="2 to the entropy in bits"),
                "its_share": st.column_config.NumberColumn("its share", **percent),
                "most_common": "most common", "hardly_varies": "hardly varies",
            },
        )  # fmt: skip
        words = reading.tables["words"]
        if len(words):
            st.caption(f"In nine of ten items, so telling none apart: {plain(', '.join(words.word.head(20)))}.")
    part = st.segmented_control(
        "Items with",
        list(titles),
        format_func=titles.__getitem__,
        default=max(parts, key=parts.__getitem__),
        required=True,
        key=f"{key}_part",
    )
    st.caption(f"{COMPONENTS[part]}.")
    items_table(reading.tables[part], data, design, f"{key}_items")


def _conflict(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str) -> None:
    facts = reading.facts
    if "auc" in facts:
        st.markdown(
            f"Two items with one text keep closer company than two random ones in **{share(facts['auc'])}** of the "
            "comparisons; half would mean that the text says nothing of behaviour."
        )
    items_table(reading.tables.get("pairs", pd.DataFrame()), data, design, f"{key}_items")


def _length(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str) -> None:
    facts, items = reading.facts, reading.tables["items"]
    left, right = st.columns(2)
    with left:
        chart(charts.token_histogram(items, facts["cap"]), f"{key}_tokens")
    with right:
        history = facts["history"]
        if "reason" in history:
            st.caption(f"How many items of a history fit {plain(history['reason'])}.")
        else:
            st.markdown(
                f"A text sequence of {history['limit']} tokens holds **{history['items_that_fit']:.1f}** of the "
                f"{history['items']:.1f} items of a history, over {history['users']:,} users; the whole history of "
                f"**{share(history['whole'])}** of them."
            )
        one: dict[str, Any] = {"format": "%.1f", "width": 120}
        st.dataframe(
            reading.tables["attributes"], key=f"{key}_attributes", hide_index=True,
            column_config={
                "attribute": "Attribute", "full_tokens": st.column_config.NumberColumn("Tokens before caps", **one),
                "tokens": st.column_config.NumberColumn("After caps", **one),
                "over_40": st.column_config.NumberColumn("Over 40 tokens", format="percent", width=120),
            },
        )  # fmt: skip
    items_table(items.sort_values("full_tokens", ascending=False, kind="stable"), data, design, f"{key}_items")


def _naturalness(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str) -> None:
    items = reading.tables["items"]
    chart(indicator_charts.perplexities(items, reading.value or 0.0), f"{key}_spread")
    for column, title, part in zip(st.columns(2), ("Most natural", "Least natural"), (items, items[::-1]), strict=True):
        with column:
            st.markdown(f"**{title}**")
            items_table(part.head(50), data, design, f"{key}_{title}")


def _familiarity(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str) -> None:
    items, alone = reading.tables["items"], reading.facts["attributes"]
    st.caption(
        "What the letters of the values cost in random order, in bits, and how much of it the model saves because it "
        "knows the values. Sentences save about 60 %, titles a little less, names 30 to 50 %, prices and codes 10 to "
        "30 %. Unlike perplexity it compares attributes of different kinds. Each attribute alone: "
        + ", ".join(f"{plain(name)} {'–' if value is None else share(value)}" for name, value in alone.items())
        + "."
    )
    for column, title, part in zip(
        st.columns(2), ("Most familiar", "Least familiar"), (items, items[::-1]), strict=True
    ):
        with column:
            st.markdown(f"**{title}**")
            items_table(part.head(50), data, design, f"{key}_{title}")


def _consistency(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str) -> None:
    pairs, units, values = (reading.tables[name] for name in ("pairs", "units", "values"))
    titles = {
        "score": "Score",
        "a_distance": "Divergence (A-distance, 0 to 2)",
        "sense_shift": "Sense shift",
        "popularity": "Agreement of popularity",
    }
    column = st.segmented_control(
        "Matrix of", list(titles), format_func=titles.__getitem__, default="score", required=True, key=f"{key}_column"
    )
    left, right = st.columns(2)
    with left:
        chart(indicator_charts.domain_matrix(pairs, column), f"{key}_matrix")
    with right:
        chart(indicator_charts.shifts(units.head(12)), f"{key}_shifts")
    for pair in pairs.itertuples():
        for part in filter(None, pair.without.split("; ")):
            st.caption(plain(f"{pair.a} – {pair.b}: {part}."))
    two = st.column_config.NumberColumn(format="%.2f")
    domains = {"a": "domain", "b": "other domain"}
    names = {**domains, "a_low": "95 % from", "a_high": "to", "shared_units": "shared words"}
    st.dataframe(
        pairs.drop(columns="without").rename(columns={**titles, **names, "shared_values": "values with popularity"}),
        key=f"{key}_pairs", hide_index=True, column_config=dict.fromkeys((*titles.values(), "95 % from", "to"), two),
    )  # fmt: skip
    left, right = st.columns(2)
    with left:
        st.caption("Shared words and values, those that shift most first")
        named = {"unit": "word or value", "count_left": "uses", "count_right": "uses in the other"}
        shown = units.rename(columns={**domains, **named, "at_least": "at least"})
        st.dataframe(
            shown, key=f"{key}_units", hide_index=True, height=260, column_config={"shift": two, "at least": two}
        )
    with right:
        st.caption("Shared values and their training events per item, those in which the domains differ most first")
        named = {"events_left": "events per item", "events_right": "in the other", "difference": "ranks apart"}
        st.dataframe(
            values.rename(columns={**domains, **named}), key=f"{key}_shared", hide_index=True, height=260,
            column_config=dict.fromkeys(named.values(), two),
        )  # fmt: skip


def _alignment(reading: IndicatorResult, data: Dataset, design: ItemDesign, key: str) -> None:
    items, neighbours, found = reading.tables["items"], reading.tables["neighbours"], reading.facts["neighbours_found"]
    sure = f"no interval: {found['why']}"
    if found["low"] is not None:
        sure = f"95 %: {share(found['low'])} to {share(found['high'])}"
    st.markdown(
        f"**{share(found['mean'])}** of an item's ten nearest in behaviour are among its ten nearest in text "
        f"({sure}); chance would find {share(reading.facts['chance'])}."
    )
    chart(indicator_charts.correlations(items, reading.value or 0.0), f"{key}_spread")
    which = st.segmented_control(
        "Items", ["Worst aligned", "Best aligned"], default="Worst aligned", required=True, key=f"{key}_which"
    )
    ordered = items.dropna(subset="correlation")
    ordered = ordered if which == "Worst aligned" else ordered[::-1]
    items_table(ordered.head(50), data, design, f"{key}_items")
    choice = st.selectbox(
        "Neighbours of",
        ordered["item"].head(50).tolist(),
        key=f"{key}_of",
        format_func=lambda row: data.items.item_id.iloc[row],
    )
    for column, kind in zip(st.columns(2), ("behaviour", "text"), strict=True):
        with column:
            st.caption(f"Nearest in {kind}")
            part = neighbours[(neighbours["item"] == choice) & (neighbours.kind == kind)]
            items_table(part[["other", "similarity"]], data, design, f"{key}_{kind}")


_VIEWS = {
    "informativeness": _informativeness,
    "noise": _noise,
    "conflict": _conflict,
    "length": _length,
    "naturalness": _naturalness,
    "familiarity": _familiarity,
    "domain_consistency": _consistency,
    "alignment": _alignment,
}
