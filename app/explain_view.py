"""The view "Why A above B" of the page Users: attribute by attribute, token by token, history item by item."""

import shlex
from typing import Any

import pandas as pd
import streamlit as st

from app import cache, explain_charts, state
from app.attribution_view import aligned_tokens
from app.components import chart, download_csv, empty_state, plain, section, with_progress
from app.short_texts import visible
from upsr_core.explain.explanation import Explanation, explain_instance
from upsr_core.explain.instance import instance_of, pair_of
from upsr_core.explain.leave_one_out import leave_out
from upsr_core.models.base import LEAVE_ONE_OUT
from upsr_core.models.instance import Instance, name_of
from upsr_core.runs.run import Run
from upsr_core.schema import ITEM

# What a person calls the methods of `Model.methods`; one that is new goes by its own name.
METHODS = {
    LEAVE_ONE_OUT: "Exact: leave one out",
    "gradients": "Approximate: gradients",
    "contributions": "Exact: contribution of each item",
}


def pair_of_address(run: Run, user: int) -> None:
    """Take the candidates that a link names, once, when the session begins; they belong to the link's user."""
    if "pair" not in st.session_state:
        a, b = st.query_params.get("a"), st.query_params.get("b")
        st.session_state["pair"] = ((run.spec.dataset.content, user), a, b)


def choose_pair(run: Run, user: int) -> tuple[Instance, int, int]:
    """The instance with candidates A and B, rows of it; the choice stands in the address and belongs to one user."""
    owner = (run.spec.dataset.content, user)
    held, a, b = st.session_state.get("pair", (None, None, None))
    if held != owner:
        a = b = None
    instance = instance_of(run, user, [item_id for item_id in (a, b) if item_id])
    row_a, row_b = pair_of(instance, a, b)
    ids = instance.candidates[ITEM].tolist()
    st.session_state["pair_a"], st.session_state["pair_b"] = ids[row_a], ids[row_b]
    names = {item_id: _option(row) for item_id, (_, row) in zip(ids, instance.candidates.iterrows(), strict=True)}

    def take() -> None:
        first, second = st.session_state["pair_a"], st.session_state["pair_b"]
        if first == second:
            st.session_state.setdefault("notices", []).append("A and B are the same candidate: nothing was changed.")
        else:
            st.session_state["pair"] = (owner, first, second)

    def swap() -> None:
        st.session_state["pair"] = (owner, ids[row_b], ids[row_a])

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("A", ids, key="pair_a", format_func=names.__getitem__, on_change=take)
        st.selectbox("B", ids, key="pair_b", format_func=names.__getitem__, on_change=take)
        st.button("Swap", key="pair_swap", icon=":material/swap_horiz:", on_click=swap)
    st.session_state["pair"] = (owner, ids[row_a], ids[row_b])
    state.keep("a", ids[row_a])
    state.keep("b", ids[row_b])
    return instance, row_a, row_b


def _option(row: pd.Series) -> str:
    rank = "new" if pd.isna(row.stored_rank) else f"rank {row.stored_rank:g}"
    return f"{rank} · {visible(name_of(row), 60)}{' ◆ target' if row.target else ''}"


def why(run: Run, user: int, user_id: str) -> None:
    """The whole view for one run and user."""
    kind = run.spec.kind
    parts = (
        "A score is a mean over tokens, for the posterior with the item's popularity added, so it can be taken apart "
        "without a rest. "
    )
    section("Why A stands above B", f"{parts if kind.rereads_text else ''}◆ is the item taken.")
    instance, a, b = choose_pair(run, user)
    method = kind.methods[0]
    if len(kind.methods) > 1:
        method = st.segmented_control(
            "What the history did", kind.methods, default=method, required=True,
            key=f"history_method_{'_'.join(kind.methods)}", format_func=lambda name: METHODS.get(name, name),
            help="Leave one out: every history item is left out once and everything is scored anew. Gradients: "
            "integrated gradients, one pass, for large models and long histories. Contributions: where a score is a "
            "sum over the history, what each item adds to it.",
        )  # fmt: skip
    found = explained(run, user, user_id, instance, a, b, method)
    headline(found, instance, a, b)
    parts_of = found.difference
    if parts_of is None:
        empty_state(
            f"The score of {kind.title} is no sum over the tokens of a text: it has no parts. "
            "What the history did is below."
        )
    else:
        by_attribute(found, parts_of)
    by_history(found, instance)
    take_along(run, found, method)


def explained(run: Run, user: int, user_id: str, instance: Instance, a: int, b: int, method: str) -> Explanation:
    """The explanation, kept; what does not depend on A and B is kept for all pairs."""
    ranker = cache.ranker(run)
    key = (run.id, run.status().finished, user, tuple(instance.candidates.item))
    found = cache.once(("scores", *key), lambda: ranker.read([instance])[0])
    if method == LEAVE_ONE_OUT:
        edited = instance.attributes if run.spec.kind.rereads_text else ()
        left = cache.once(
            ("left", *key), lambda: with_progress(lambda report: leave_out(instance, ranker, edited, report))
        )
        return explain_instance(run, user_id, instance, a, b, method, ranker, found=found, left=left)
    return cache.once(
        (method, *key, a, b),
        lambda: with_progress(
            lambda report: explain_instance(run, user_id, instance, a, b, method, ranker, report, found=found)
        ),
    )


STORED = 1e-3  # nats; what a score may differ from the one on disk by rounding alone


def headline(found: Explanation, instance: Instance, a: int, b: int) -> None:
    rows = found.candidates.set_index("item_id")
    with st.container(horizontal=True):
        for letter, item_id, place in (("A", found.a, a), ("B", found.b, b)):
            row = rows.loc[item_id]
            title = visible(name_of(instance.candidates.loc[place]), 60)
            mark = " ◆" if row.target else ""
            with st.container(border=True):
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.badge(letter, color="blue" if letter == "A" else "orange")
                    st.markdown(f"**{plain(title)}**{mark}")
                st.caption(f"rank {row['rank']:g} of {len(rows):,} · score {row.score:+.4f} · {plain(item_id)}")
    st.markdown(sentence(found))
    if found.stored_error > STORED * max(1.0, abs(found.lead)):
        st.warning(
            f"The scores stored with this trial differ by up to {found.stored_error:.3g} from those that its model "
            "gives now. Something changed since; what is explained is the model as it is now."
        )


def sentence(found: Explanation) -> str:
    """The explanation in one plain sentence or two.

    Who leads, by what most, and which history item weighs most.
    """
    ahead, behind = ("A", "B") if found.lead >= 0 else ("B", "A")
    if found.lead == 0:
        text = "**A and B have the same score.**"
    else:
        text = f"**{ahead} leads {behind} by {abs(found.lead):.3f}.**"
    if found.difference is not None and len(found.difference):
        top = found.difference.loc[found.difference.difference.abs().idxmax()]
        side = "A" if top.difference >= 0 else "B"
        text += f" Most is decided by *{plain(top.attribute)}*, {abs(top.difference):.3f} for {side}."
    if len(found.items) and found.items.effect.abs().max() > 0:
        top = found.items.loc[found.items.effect.abs().idxmax()]
        side = "A" if top.effect >= 0 else "B"
        text += (
            f" Of the history, item {top.place}, *{plain(visible(top['name'], 60))}*, weighs most: "
            f"{abs(top.effect):.3f} for {side}."
        )
    return text


def tiny(value: float) -> str:
    """
    >>> tiny(0.0), tiny(3.2e-7)
    ('0', '3e-07')
    """
    return f"{value:.0e}" if value else "0"


def by_attribute(found: Explanation, parts: pd.DataFrame) -> None:
    left, right = st.columns([5, 4], gap="medium")
    with left:
        st.markdown("**Attribute by attribute**")
        chart(
            explain_charts.lead_by_attribute(parts, found.lead), "lead", f"why-{found.a}-{found.b}",
            alt="; ".join(f"{row.attribute} {row.difference:+.3f}" for row in parts.itertuples()),
        )  # fmt: skip
    with right:
        st.markdown("**The parts and their sums**")
        table = parts[["attribute", "part_a", "part_b", "wording", "length", "difference"]]
        sums = table.drop(columns="attribute").sum()
        table = pd.concat([table, pd.DataFrame([{"attribute": "sum", **sums}])], ignore_index=True)
        number: dict[str, Any] = {"format": "%+.3f", "width": 66}
        st.dataframe(
            table,
            hide_index=True,
            column_config={
                "attribute": st.column_config.TextColumn("Attribute", width=85),
                "part_a": st.column_config.NumberColumn("A", help="These sum to A's score", **number),
                "part_b": st.column_config.NumberColumn("B", help="These sum to B's score", **number),
                "wording": st.column_config.NumberColumn(
                    "Wording", help="How much better the attribute's own tokens are predicted", **number
                ),
                "length": st.column_config.NumberColumn(
                    "Length", help="How much more of the text it takes, above or below the middle", **number
                ),
                "difference": st.column_config.NumberColumn("For A", help="Wording and length together", **number),
            },
        )
        st.caption(
            f"Parts sum to the score of every candidate within {tiny(found.sum_error or 0.0)}; the scores are those "
            f"stored with the trial within {tiny(found.stored_error)}."
        )
    st.markdown("**Token by token**")
    st.caption(
        "Against the middle of the two scores: blue and + lifts its text, orange, hatched and − weighs it down. The "
        "tokens of A minus those of B are the bar above. An attribute that one text lacks counts nothing there."
    )
    cuts = [f"{cut} off {letter}" for letter, cut in (("A", found.cut_a), ("B", found.cut_b)) if cut]
    if cuts:
        st.caption(f"Tokens that the caps of the design cut, and that count nowhere: {', '.join(cuts)}.")
    aligned_tokens(found.tokens_a, found.tokens_b, parts)


def by_history(found: Explanation, instance: Instance) -> None:
    section("What the history did", f"To A's lead over B; found by: {found.method}.")
    if not found.items.effect.abs().max() > 0:
        empty_state("No item of the history changes this lead: the model does not look at it.")
        return
    unit = "nats per token" if found.difference is not None else "score"
    left, right = st.columns([3, 2], gap="large")
    shown = found.items[found.items.effect != 0]
    with left:
        st.markdown("**Item by item**, the newest on top")
        chart(
            explain_charts.history_effects(shown, unit), "history_effects", f"history-{found.a}-{found.b}",
            alt="; ".join(f"item {row.place} {row.effect:+.3f}" for row in shown.itertuples()),
        )  # fmt: skip
        notes = []
        if (still := len(found.items) - len(shown) - found.dropped) > 0:
            notes.append(f"{still:,} more items of the history change nothing here.")
        if found.dropped:
            notes.append(f"The {found.dropped} oldest items fell off the prompt: the model never saw them.")
        if found.approximation_gap is not None:
            notes.append(f"An approximation: the effects miss their right sum by {found.approximation_gap:+.3f}.")
        if notes:
            st.caption(" ".join(notes))
    with right:
        if found.attributes is not None and len(found.attributes):
            st.markdown("**An attribute of all its items**")
            chart(
                explain_charts.attribute_effects(found.attributes), "attribute_effects",
                f"history-attributes-{found.a}-{found.b}",
            )  # fmt: skip
        if "rank_a" in found.items:
            st.markdown("**Ranks without the item**")
            table = shown.iloc[::-1][["place", "name", "rank_a", "rank_b"]].assign(
                name=lambda rows: [visible(name, 200) for name in rows.name]
            )
            st.dataframe(
                table,
                hide_index=True,
                height=min(420, 40 + 35 * len(table)),
                column_config={
                    "place": st.column_config.NumberColumn("Place", width=55),
                    "name": st.column_config.TextColumn("Without", width=200),
                    "rank_a": st.column_config.NumberColumn("A", format="%g", width=55),
                    "rank_b": st.column_config.NumberColumn("B", format="%g", width=55),
                },
            )


def take_along(run: Run, found: Explanation, method: str) -> None:
    """The numbers as files, the command and the Python that give the same; the address itself is the link."""
    with st.expander("Take it along: numbers, command, link", icon=":material/download:"):
        tables = {"candidates": found.candidates, "history-items": found.items}
        if found.difference is not None:
            tables["difference"] = found.difference
        if found.tokens_a is not None and found.tokens_b is not None:
            tables["tokens"] = pd.concat([found.tokens_a.assign(candidate="A"), found.tokens_b.assign(candidate="B")])
        if found.attributes is not None:
            tables["history-attributes"] = found.attributes
        with st.container(horizontal=True):
            for name, table in tables.items():
                download_csv(name, table, f"{name}-{found.a}-{found.b}", f"csv_{name}")
        st.caption(
            "The camera in the corner of a figure gives a PNG. The address of this page opens this very view: trials, "
            "user and candidates."
        )
        usual = method == run.spec.kind.methods[0]
        words = ["upsr", "explain", run.id, "--user", found.user, "--candidates", found.a, found.b, "--json"]
        words += [] if usual else ["--method", method]
        st.code(shlex.join(words), language="bash")
        named = "" if usual else f', method="{method}"'
        st.code(
            "from upsr_core.runs.run import load_run\n"
            "from upsr_core.explain.explanation import explain\n\n"
            f"found = explain(load_run({run.id!r}), {found.user!r}, {found.a!r}, {found.b!r}{named})\n"
            "print(found.difference)",
            language="python",
        )
