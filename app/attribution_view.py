"""Two texts attribute beside attribute, every token with what it adds: a table of own markup, each part escaped."""

import html

import pandas as pd
import streamlit as st

from app.charts import attribute_colour
from app.explain_charts import FOR_A, FOR_B
from app.short_texts import visible
from upsr_core.explain.instance import PRIOR

_CELL = "padding:.45em .6em;vertical-align:top;border-top:1px solid rgba(128,128,128,.35);"


def aligned_tokens(tokens_a: pd.DataFrame, tokens_b: pd.DataFrame, difference: pd.DataFrame) -> None:
    """A row per attribute: the tokens of A, those of B, and who gains. Tables as `explain` gives them.

    A token is the bluer the more it lifts its text, the more orange and hatched the more it weighs it down; the
    number under it says how much.
    """
    strongest = max(1e-9, float(pd.concat([tokens_a.lift, tokens_b.lift]).abs().max()))
    head = "".join(
        f'<th scope="col" style="{_CELL}text-align:left;border-top:none;">{name}</th>'
        for name in ("attribute", "A", "B", "for A")
    )
    rows = [
        f'<tr><th scope="row" style="{_CELL}text-align:left;font-weight:500;">{_chip(row.attribute)}</th>'
        + "".join(
            f'<td style="{_CELL}width:40%;">{_tokens(tokens[tokens.attribute == row.attribute], strongest)}</td>'
            for tokens in (tokens_a, tokens_b)
        )
        + f'<td style="{_CELL}text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;">'
        f"<b>{row.difference:+.3f}</b></td></tr>"
        for row in difference[difference.attribute != PRIOR].itertuples()
    ]
    st.html(
        '<table style="border-collapse:collapse;width:100%;table-layout:auto;font-size:.95rem;">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _chip(attribute: str) -> str:
    colour = attribute_colour(attribute)
    return f'<span style="border-bottom:3px solid {colour};">{html.escape(visible(attribute))}</span>'


def _tokens(tokens: pd.DataFrame, strongest: float) -> str:
    if tokens.empty:
        return '<span style="opacity:.65;">not in this text</span>'
    cells = []
    for row in tokens.itertuples():
        share = min(1.0, abs(row.lift) / strongest)
        colour = FOR_A if row.lift >= 0 else FOR_B
        alpha = f"{round(25 + 150 * share):02x}"
        hatch = (
            ""
            if row.lift >= 0
            else "background-image:repeating-linear-gradient(135deg,transparent 0 5px,rgba(255,255,255,.35) 5px 7px);"
        )
        hover = html.escape(f"{row.lift:+.4f} of the lead; log P {row.logprob:.3f}", quote=True)
        text = html.escape(visible(row.token)) or "␣"
        cells.append(
            f'<span style="display:inline-block;text-align:center;margin:0 2px 4px 0;padding:1px 4px;border-radius:4px;'
            f'max-width:100%;background-color:{colour}{alpha};{hatch}" title="{hover}">'
            f'<bdi style="display:block;overflow-wrap:anywhere;">{text}</bdi>'
            f'<small style="display:block;font-variant-numeric:tabular-nums;opacity:.85;">{row.lift:+.2f}</small>'
            "</span>"
        )
    return "".join(cells)
