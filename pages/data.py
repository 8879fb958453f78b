"""Data: choose or import a dataset, and see what reading and preparation made of the files."""

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, overview_tables, state
from app.components import (
    act,
    chart,
    drawn_first,
    errors_shown,
    page_head,
    plain,
    section,
    share,
    synthetic_badge,
)
from app.tour import tour
from upsr_core.datasets.spec import PreparationSpec
from upsr_core.datasets.store import Dataset, delete_dataset, list_datasets

ROWS_SHOWN = 500
MANY_TIES = 0.2  # a share of the interactions
LITTLE_LEFT = 0.5  # of the users or items of the files


def stored() -> None:
    tour()
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        data = state.choose_dataset()
    with right.popover("Delete", icon=":material/delete:", disabled=data.synthetic, width="stretch"):
        st.markdown(f"Remove **{plain(data.name)}** from the store? The source files stay.")
        st.button("Remove it", key="delete_dataset", on_click=act, args=(delete_dataset, data.name))
    for entry in list_datasets():
        if entry["problem"]:
            st.warning(f"The stored dataset {plain(entry['name'])} {plain(entry['problem'])}. Import it again.")
    if data.synthetic:
        synthetic_badge()
    elif st.session_state.get("imported") == data.name:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(data.name)}** is imported. Next:")
            page = Path(__file__).with_name("item_text.py")
            st.page_link(page, label="Make its texts on Item text", icon=":material/match_word:")
    identity(data)
    drawn_first()
    preparation(data)
    distributions(data)
    browse(data)


def identity(data: Dataset) -> None:
    events = len(data.sequence)
    with st.container(horizontal=True):
        st.metric("Users", f"{len(data.users):,}")
        st.metric("Items", f"{len(data.items):,}")
        st.metric("Interactions", f"{events:,}")
        st.metric("Interactions per user", f"{events / len(data.users):.1f}")
        st.metric("Interactions per item", f"{events / len(data.items):.1f}")
        density = events / len(data.users) / len(data.items)
        st.metric("Density", f"{100 * density:.3g} %", help="Interactions over all pairs of a user and an item.")
    spec = data.spec
    st.caption(
        f"Items as {spec.items.kind}, events as {spec.events.kind}; users with at least {spec.preparation.min_user}, "
        f"items with at least {spec.preparation.min_item} interactions; digest {data.digest}"
    )


def preparation(data: Dataset) -> None:
    section("What preparation did", "Every step from the files to the dataset, with what was left after it.")
    steps = pd.DataFrame(data.report["steps"])
    kept = steps.iloc[-1][["users", "items"]] / steps[["users", "items"]].max()
    if kept.min() < LITTLE_LEFT and data.spec.preparation != PreparationSpec.new_domain():
        st.warning(
            f"Its thresholds left {share(kept.users)} of the users and {share(kept['items'])} of the items. If that is "
            "not what you want, import it again with *New domain*: users with 4 or more interactions, and every item "
            "that somebody took."
        )
    left, right = st.columns([2, 3], gap="large")
    with left:
        chart(charts.preparation_steps(steps), "steps")
    with right:
        st.dataframe(
            steps[["name", "users", "items", "interactions", "dropped"]],
            hide_index=True,
            column_config={
                "name": "Step",
                "users": st.column_config.NumberColumn("Users", format="localized"),
                "items": st.column_config.NumberColumn("Items", format="localized"),
                "interactions": st.column_config.NumberColumn("Interactions", format="localized"),
                "dropped": st.column_config.NumberColumn("Dropped", format="localized", help="Rows or lines"),
            },
        )
        for step in steps[steps.note != ""].itertuples():
            st.caption(f"**{plain(step.name)}**: {plain(step.note)}")
    tied = data.report["ties"] / len(data.sequence)
    if tied > MANY_TIES:
        st.warning(
            f"{tied:.0%} of the interactions have the time of the one before. Within such a tie the order of the rows "
            "decides, also which item of a user is the last, the one to predict: finer times would say more."
        )
    counts(data)


def counts(data: Dataset) -> None:
    report = data.report
    shown = {
        "Events with the time of the one before": ("ties", "They keep the order of the source rows."),
        "Repeated purchases": ("repeats", "The same user and item again; kept."),
        "Duplicate item rows": ("duplicate_item_rows", "The first row of an id was kept."),
        "Unreadable item lines": ("unreadable_item_lines", "Left out; the notes above name the first of them."),
        "Unreadable event lines": ("unreadable_event_lines", "Left out; the notes above name the first of them."),
    }
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Counted on the way**")
        rows = [{"what": what, "count": report[key], "meaning": meaning} for what, (key, meaning) in shown.items()]
        number = st.column_config.NumberColumn("Count", format="localized", width="small")
        st.dataframe(
            pd.DataFrame(rows), hide_index=True, column_config={"what": "What", "count": number, "meaning": "Meaning"}
        )
    with right:
        st.markdown("**Texts mended**")
        mends = [
            {"attribute": name, "mend": mend, "count": count}
            for name, found in report["mends"].items()
            for mend, count in found.items()
        ]
        if mends:
            names: dict[str, Any] = {
                "attribute": "Attribute",
                "mend": "Mend",
                "count": st.column_config.NumberColumn("Values", format="localized"),
            }
            st.dataframe(pd.DataFrame(mends), hide_index=True, column_config=names)
        else:
            st.caption("No value needed mending.")


def distributions(data: Dataset) -> None:
    section("What is in it")
    first, second, third = st.columns(3, gap="medium")
    with first:
        st.markdown("**Coverage of attributes**")
        chart(charts.coverage(overview_tables.coverage(data)), "coverage")
    with second:
        st.markdown("**Length of histories**")
        chart(charts.distribution(overview_tables.history_lengths(data), "interactions", "users"), "lengths")
    with third:
        st.markdown("**Popularity of items**")
        chart(charts.popularity(overview_tables.popularity(data)), "popularity")


def browse(data: Dataset) -> None:
    section("Items")
    words = st.text_input(
        "Search", key="browse", icon=":material/search:", placeholder="words in any attribute or the item id", width=420
    )
    found = overview_tables.matching(data.items, words)
    shown = data.items.iloc[found[:ROWS_SHOWN]]
    first = f"the first {len(shown):,} of " if len(shown) < len(found) else ""
    st.caption(f"{first}{len(found):,} items" + (f" of {len(data.items):,} in the dataset" if words.strip() else ""))
    st.dataframe(shown, hide_index=True, column_order=["item_id", *data.attributes], height=380)


page_head(
    "Data", "From a catalogue and a log to users with ordered histories: what came in, what was dropped, what is left."
)
if "next_view" in st.session_state:  # a widget's value can only be set before it is drawn
    st.session_state["data_view"] = st.session_state.pop("next_view")
st.session_state.setdefault("data_view", "Stored datasets")
tab = st.segmented_control(
    "View", ["Stored datasets", "Import"], required=True, key="data_view", label_visibility="collapsed"
)
if tab == "Import":
    from app.import_form import import_form  # with all the readers, which the first page has no use for

    new = import_form()
    if new:
        state.take_dataset(new)
        st.session_state["imported"] = new
        st.session_state["next_view"] = "Stored datasets"
        st.session_state.setdefault("notices", []).append(f"Imported {new!r}: it is the chosen dataset now.")
        st.rerun()
else:
    with errors_shown():
        stored()
