"""The controls of one stage of a design: attributes in order, format, caps. The design in the state is the truth."""

from typing import Any, Literal

import streamlit as st
from streamlit_sortables import sort_items

from app import state
from app.components import attribute_chip, plain, share
from upsr_core.errors import DesignError
from upsr_core.paper.published_values import said
from upsr_core.text.design import Design, ItemDesign, template_fields

Stage = Literal["pretrain", "finetune"]

_DRAG = """
.sortable-component {background: transparent; padding: 0;}
.sortable-container-body {background: transparent; padding: 0;}
.sortable-item, .sortable-item:hover {
    background: #22686F; color: #FFFFFF; border-radius: 0.4rem; font-size: 0.85rem; padding: 0.25rem 0.7rem;
}
"""


def item_design(stage: Stage) -> ItemDesign:
    return getattr(state.design(), stage)


def change(stage: Stage, **changes) -> None:
    """Give one stage of the design new values; caps of attributes that are gone go with them."""
    design, item = state.design(), item_design(stage)
    fields = {**item.model_dump(), **changes}
    fields["attribute_caps"] = tuple(pair for pair in fields["attribute_caps"] if pair[0] in fields["attributes"])
    new = ItemDesign(**fields)
    state.set_design(Design(**{**design.model_dump(), stage: new.model_dump()}))


def editor(stage: Stage, attributes: tuple[str, ...], facts: dict[str, str]) -> None:
    """`attributes` are those of the dataset, `facts` a short line on each."""
    item = item_design(stage)
    if item.template is None:
        # The tiles are a page of their own in a frame: for the browser as much work as all the rest of a page.
        if st.toggle("Order by dragging", key=f"{stage}_dragging", persist_state="session"):
            _drag(stage)
        for position, name in enumerate(item_design(stage).attributes):
            _row(stage, position, name, facts.get(name, "not in this dataset"))
        _add(stage, attributes)
    _format(stage)


def _drag(stage: Stage) -> None:
    """Tiles to drag. The component keeps its own order, so it starts anew when the order was changed elsewhere."""
    order = list(item_design(stage).attributes)
    shown = st.session_state.get(f"{stage}_drag")
    if shown is None or shown["order"] != order:
        shown = {"order": order, "start": order, "turn": (shown or {"turn": 0})["turn"] + 1}
    dragged = sort_items(shown["start"], direction="horizontal", custom_style=_DRAG, key=f"{stage}_{shown['turn']}")
    if dragged != order and sorted(dragged) == sorted(order):
        change(stage, attributes=tuple(dragged))
        shown["order"] = dragged
    st.session_state[f"{stage}_drag"] = shown


def _row(stage: Stage, position: int, name: str, fact: str) -> None:
    last = len(item_design(stage).attributes) - 1
    label, cap, up, down, out = st.columns([5, 2.4, 1, 1.2, 1.2], gap="xsmall", vertical_alignment="center")
    with label:
        attribute_chip(name, fact)
    key = f"{stage}_cap_{name}"
    st.session_state[key] = dict(item_design(stage).attribute_caps).get(name)
    cap.number_input(
        f"Cap of {name}",
        min_value=1,
        max_value=512,
        step=1,
        key=key,
        placeholder="cap",
        label_visibility="collapsed",
        help="At most this many tokens of the attribute; empty: no cap",
        on_change=_set_attribute_cap,
        args=(stage, name),
    )
    # Words, not icons alone: a screen reader has to name them.
    style: dict[str, Any] = {"width": "stretch", "type": "tertiary"}
    up.button(
        "Up", key=f"{stage}_up_{name}", help=f"Move {name} up", disabled=position == 0,
        on_click=_move, args=(stage, position, -1), **style,
    )  # fmt: skip
    down.button(
        "Down", key=f"{stage}_down_{name}", help=f"Move {name} down", disabled=position == last,
        on_click=_move, args=(stage, position, 1), **style,
    )  # fmt: skip
    out.button(
        "Drop", key=f"{stage}_out_{name}", help=f"Leave {name} out", disabled=last == 0,
        on_click=_leave_out, args=(stage, name), **style,
    )  # fmt: skip


def _add(stage: Stage, attributes: tuple[str, ...]) -> None:
    unused = [name for name in attributes if name not in item_design(stage).attributes]
    if not unused:
        return
    with st.container(horizontal=True, gap="xsmall"):
        for name in unused:
            st.button(
                plain(name), icon=":material/add:", key=f"{stage}_add_{name}", help=f"Add {plain(name)} at the end",
                on_click=_append, args=(stage, name),
            )  # fmt: skip


def _format(stage: Stage) -> None:
    item = item_design(stage)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    st.session_state[f"{stage}_format"] = "Paper" if item.template is None else "Template"
    left.segmented_control(
        "Format",
        ["Paper", "Template"],
        key=f"{stage}_format",
        required=True,
        help="Paper: the title bare, every other attribute as (name: value). Template: any text with {attribute}.",
        on_change=_set_format,
        args=(stage,),
    )
    st.session_state[f"{stage}_cap"] = item.cap
    right.number_input(
        "Cap, tokens per item",
        min_value=1,
        max_value=512,
        key=f"{stage}_cap",
        help=f"The paper cuts every item text after {said('longest item text')} tokens.",
        on_change=_set_cap,
        args=(stage,),
    )
    if item.template is not None:
        st.session_state[f"{stage}_template"] = st.session_state.pop(f"{stage}_broken", item.template)
        st.text_input(
            "Template",
            key=f"{stage}_template",
            help="Each {attribute} once. Text before an attribute goes with it where an item has no such value.",
            on_change=_set_template,
            args=(stage,),
        )


def _refuse(error: DesignError) -> None:
    st.session_state.setdefault("notices", []).append(error)


def _move(stage: Stage, position: int, step: int) -> None:
    order = list(item_design(stage).attributes)
    order[position], order[position + step] = order[position + step], order[position]
    change(stage, attributes=tuple(order))


def _leave_out(stage: Stage, name: str) -> None:
    change(stage, attributes=tuple(other for other in item_design(stage).attributes if other != name))


def _append(stage: Stage, name: str) -> None:
    try:
        change(stage, attributes=(*item_design(stage).attributes, name))
    except DesignError as error:  # a column whose name no design can hold
        _refuse(error)


def _set_cap(stage: Stage) -> None:
    change(stage, cap=st.session_state[f"{stage}_cap"])


def _set_attribute_cap(stage: Stage, name: str) -> None:
    caps = dict(item_design(stage).attribute_caps)
    caps.pop(name, None)
    if st.session_state[f"{stage}_cap_{name}"] is not None:
        caps[name] = st.session_state[f"{stage}_cap_{name}"]
    change(stage, attribute_caps=tuple(caps.items()))


def _set_format(stage: Stage) -> None:
    """Begin a template with what the paper's format shows, so that switching alone changes no text."""
    if st.session_state[f"{stage}_format"] == "Paper":
        change(stage, template=None)
        return
    parts = ("{title}" if name == "title" else f"({name}: {{{name}}})" for name in item_design(stage).attributes)
    change(stage, template=" ".join(parts))


def _set_template(stage: Stage) -> None:
    """The template names the attributes and their order; a broken one stays in its field to be mended."""
    text = st.session_state[f"{stage}_template"]
    try:
        change(stage, attributes=tuple(template_fields(text, "The item template")), template=text)
    except (DesignError, ValueError) as error:
        unknown = DesignError("The item template shows no attribute", repr(text), "Write {title}.")
        _refuse(error if isinstance(error, DesignError) else unknown)
        st.session_state[f"{stage}_broken"] = text


def attribute_facts(coverage, tokens) -> dict[str, str]:
    """A line for each attribute: how many items have it, and what it takes of the item's tokens."""
    taken = dict(zip(tokens.attribute, tokens.tokens, strict=True))
    return {
        name: share(part) + (f", {taken[name]:.1f} tokens" if name in taken else "")
        for name, part in zip(coverage.attribute, coverage.share, strict=True)
    }
