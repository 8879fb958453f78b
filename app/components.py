"""Pieces of screen that pages share: errors, notices, badges, tables of one look, and the token strip."""

import html
import re
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.charts import attribute_colour
from upsr_core.errors import UpsrError
from upsr_core.export.csv_export import csv_text
from upsr_core.logs import explained
from upsr_core.runs.text_cuts import TextCuts
from upsr_core.text.cut import Cut, in_words

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~$:&]|^[-=]|(?<=^\d)\.|(?<=^\d\d)\.)")
_UNSAFE = re.compile(r"[^\w.\- ]|^\.")  # in the name of a file that a browser saves
_CHART = {"displayModeBar": False}


def plain(text: object) -> str:
    """Text of the data for a markdown element: nothing in it is read as markup.

    >>> plain("a *b* [c](d)")
    'a \\\\*b\\\\* \\\\[c\\\\]\\\\(d\\\\)'
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def show_error(error: UpsrError) -> None:
    """What happened, where, and what to do, as one box."""
    parts = [f"**{plain(error.what)}**"]
    if error.where:
        parts.append(f"Where: {plain(error.where)}")
    if error.how:
        parts.append(plain(error.how))
    st.error("\n\n".join(parts), icon=":material/error:")


@contextmanager
def errors_shown():
    """Show an error raised inside and go on after the block: one broken part leaves the rest of the page."""
    try:
        yield
    except Exception as error:
        show_error(explained("a part of a page", error))


def act(action: Callable, *arguments, done: str = "") -> None:
    """Do something from a button's callback; say so, or say what went wrong, on the page drawn next."""
    notices = st.session_state.setdefault("notices", [])
    try:
        action(*arguments)
    except Exception as error:
        notices.append(explained(f"{getattr(action, '__name__', 'an action')} on a page", error))
    else:
        if done:
            notices.append(done)


def show_notices() -> None:
    for notice in st.session_state.pop("notices", []):
        if isinstance(notice, UpsrError):
            show_error(notice)
        else:
            st.toast(plain(notice), icon=":material/check:")


def page_head(title: str, lead: str) -> None:
    st.title(title, anchor=False)
    st.markdown(f":gray[{lead}]")


def drawn_first() -> None:
    """Let the browser draw what stands above before what follows: once a session it reads Plotly for a second, and
    shows nothing else meanwhile."""
    if not st.session_state.get("plotly_read"):
        time.sleep(0.5)
        st.session_state["plotly_read"] = True


def section(title: str, explanation: str = "") -> None:
    st.subheader(title, anchor=False)
    if explanation:
        st.caption(explanation)


def download_csv(name: str, table, file: str, key: str) -> None:
    """A button that gives a table as CSV, in which no text of the data is a formula."""
    st.download_button(
        f"{name}.csv", csv_text(table), f"{_UNSAFE.sub('_', file)[:150]}.csv", "text/csv", key=key,
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def empty_state(sentence: str) -> None:
    st.info(sentence, icon=":material/info:")


def cut_line(cut: Cut, line: str = "") -> None:
    """What the cap leaves of a design's texts, beside its figures; a warning where it hides much of them."""
    text = plain(line or in_words(cut))
    if cut.hides:
        st.markdown(f":material/warning: **{text}**")
    else:
        st.caption(text)


def cut_lines(cuts: TextCuts | None) -> None:
    """The same for every text that a trial reads; nothing where it reads none."""
    for line, cut in cuts.lines if cuts else ():
        cut_line(cut, line)


def synthetic_badge() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("synthetic", icon=":material/experiment:", color="violet")
        st.caption(
            "Made by a seeded generator: every name is invented, and behaviour follows category, brand and style. "
            "Use it to learn the studio, not to compare with published numbers."
        )


def readable_on_primary() -> None:
    """Dark words on the light primary colour of the dark theme: Streamlit writes white on it, in whatever colour."""
    if st.context.theme.type == "dark":
        tag = '[data-testid="stMultiSelectTagsContainer"] [data-tag]'
        st.html(f'<style>[data-testid="stBaseButton-primary"], {tag}, {tag} * {{color: #0B1416 !important}}</style>')


def chart(figure, key: str, file: str = "", alt: str | None = None) -> None:
    """A figure. With `file` its corner offers a PNG of that name, at twice the size; `alt` says it in words."""
    config: dict[str, Any] = _CHART
    if file:
        image = {"filename": file, "format": "png", "scale": 2}
        config = {"displaylogo": False, "displayModeBar": True, "toImageButtonOptions": image}
        config |= {"modeBarButtons": [["toImage"]]}
    st.plotly_chart(figure, key=key, config=config, alt=alt)


def open_tab(names: list[str], key: str):
    """Tabs of which only the open one is computed and sent: its container and its name."""
    return next(
        (tab, name) for tab, name in zip(st.tabs(names, key=key, on_change="rerun"), names, strict=True) if tab.open
    )


def with_progress(work):
    """Do long work under a bar; Stop begins the page anew, which ends the work at its next report."""
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Starting…")
        st.button("Stop", key="stop", icon=":material/stop:")
    result = work(lambda done, total, what: bar.progress(min(1.0, done / max(total, 1)), text=plain(what)))
    place.empty()
    return result


def share(value: float) -> str:
    """
    >>> share(0.1234), share(0.0004), share(0)
    ('12.3 %', '< 0.1 %', '0 %')
    """
    if 0 < value < 0.001:
        return "< 0.1 %"
    return "0 %" if value == 0 else f"{100 * value:.1f} %"


def duration(seconds: float | None) -> str:
    """
    >>> duration(8), duration(95), duration(7300), duration(None)
    ('8 s', '1 min 35 s', '2 h 01 min', 'unknown')
    """
    if seconds is None:
        return "unknown"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


@dataclass(frozen=True)
class Span:
    """A run of text in a token strip. `attribute` gives the colour; a `cut` one is struck through; `hover` explains.

    `opens` marks the first token of an item, `mark` a sentinel token.
    """

    text: str
    attribute: str = ""
    hover: str = ""
    cut: bool = False
    opens: bool = False
    mark: bool = False


def token_strip(spans: Iterable[Span], height: int | None = None) -> None:
    """Text with every token tinted by its attribute. The one place of own markup: each part of it is escaped."""
    scroll = f"max-height:{int(height)}px;overflow-y:auto;" if height else ""
    body = "".join(map(_markup, spans))
    st.html(f'<div style="line-height:1.9;overflow-wrap:anywhere;{scroll}">{body}</div>')


def legend(attributes: Iterable[str]) -> None:
    """Which colour is which attribute."""
    token_strip([span for name in attributes for span in (Span(f" {name} ", attribute=name), Span("   "))])


def attribute_chip(name: str, note: str = "") -> None:
    """The name of an attribute in its colour, and a note beside it."""
    token_strip([Span(f" {name} ", attribute=name), Span(f"  {note}")])


def _markup(span: Span) -> str:
    style = "white-space:pre-wrap;padding:0.15em 0;"
    if span.attribute:
        colour = attribute_colour(span.attribute)
        # Transparent tints keep the theme's own text colour readable, light or dark.
        style += f"background:{colour}38;border-bottom:2px solid {colour};"
    if span.cut:
        style += "text-decoration:line-through;opacity:.45;"
    if span.opens:
        style += "margin-left:.35em;border-left:3px solid currentColor;padding-left:.3em;"
    if span.mark:
        style += "font-weight:700;border:1.5px solid currentColor;border-radius:.3em;padding:.05em .3em;"
    hover = f' title="{html.escape(span.hover, quote=True)}"' if span.hover else ""
    # The space before an item stands outside its border.
    text = span.text.lstrip() if span.opens else span.text
    space = span.text[: len(span.text) - len(text)]
    return f'{space}<span style="{style}"{hover}>{html.escape(text)}</span>'
