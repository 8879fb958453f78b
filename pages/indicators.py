"""Indicators: what a design's texts are worth before anything is trained, and the items behind every number."""

import streamlit as st

from app import cache, indicator_charts, overview_tables, state
from app.components import chart, cut_line, empty_state, errors_shown, open_tab, page_head, plain, with_progress
from app.design_editor import Stage, attribute_facts, change, editor
from app.indicator_view import headline, show
from app.study_view import predict_quality
from upsr_core.errors import UpsrError
from upsr_core.indicators import attribute_table, profile
from upsr_core.indicators.attribute_use import USE_RULE
from upsr_core.indicators.best_designs import GOALS, STAGES, pareto_front
from upsr_core.indicators.design_search import MOST, search, stored_search
from upsr_core.indicators.result import CHEAP, INDICATORS, MODEL_BASED, IndicatorResult
from upsr_core.text.catalogue_overview import attribute_tokens
from upsr_core.text.cut import in_words
from upsr_core.text.design import ItemDesign

GOAL_TITLES = {
    "familiarity": "familiarity",
    "perplexity": "low perplexity",
    "bits": "informativeness",
    "distinguishable": "items told apart",
    "kept": "few tokens as cut",
    "noise": "little noise",
}
ORDER = (*CHEAP, *MODEL_BASED)  # what is there at once comes first
TITLES = {"finetune": "Fine-tuning text", "pretrain": "Pre-training text"}


def choose() -> profile.Setting:
    left, middle, right = st.columns(3)
    with left:
        data = state.choose_dataset()
    with middle:
        plm = state.choose_plm()
    with right:
        names = [entry["name"] for entry in cache.datasets() if entry["name"] != data.name and not entry["problem"]]
        others = st.multiselect(
            "Compare with domains", names, key="domains", persist_state="session", placeholder="for domain consistency"
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Text", list(TITLES), format_func=TITLES.__getitem__, default="finetune", required=True, key="stage"
        )
        method = st.segmented_control(
            "Naturalness by", ["likelihood", "masked-spans"], default="likelihood", required=True, key="method",
            help="likelihood: the whole text from left to right. masked-spans: T5's own task, spans of three tokens "
            "given the rest of the text. The two are not comparable with each other.",
        )  # fmt: skip
        sample = st.number_input(
            "Items the model reads",
            0,
            None,
            profile.SAMPLE,
            100,
            key="sample",
            width=190,
            help="0: all items, no interval",
        )
    return profile.Setting(data, plm, None, tuple(cache.dataset(name) for name in others), int(sample), 0, method)


def numbers(readings: dict[str, IndicatorResult]) -> None:
    for column, name in zip(st.columns(len(ORDER)), ORDER, strict=True):
        title, unit = INDICATORS[name]
        with column:
            if name in readings:
                value, under = headline(readings[name])
                st.metric(title, value, help=plain(readings[name].reason or readings[name].note))
                st.caption(under)
            else:
                st.metric(title, "…")
                st.caption(f"{unit}; not measured yet")


def model_based(design: ItemDesign) -> dict[str, IndicatorResult]:
    kept = {name: profile.stored_result(name, setting, design) for name in MODEL_BASED}
    found = {name: result for name, result in kept.items() if result is not None}
    if len(found) == len(kept):
        return found
    if st.button("Measure with the language model", key="measure", type="primary", icon=":material/psychology:"):
        with errors_shown():
            return with_progress(lambda report: profile.profile(setting, design, report, MODEL_BASED))
    return {name: reading for name, reading in found.items() if reading}


def own_table() -> None:
    st.caption("Every attribute alone, as in Table 1 of the paper, for these data.")
    names = setting.dataset.attributes
    attributes = tuple(st.multiselect("Attributes", names, names, key="table_attributes", persist_state="session"))
    if not attributes:
        empty_state("Choose at least one attribute.")
        return
    if not attribute_table.is_kept(setting, attributes):
        if not st.button("Measure every attribute", key="measure_table", icon=":material/table:"):
            return
        made = with_progress(lambda report: attribute_table.attribute_table(setting, attributes, report))
    else:
        made = attribute_table.attribute_table(setting, attributes, lambda *_: None)
    shown = made.bands[["attribute"]].copy()
    for name in attribute_table.COLUMNS:
        values, bands = made.bands[name], made.bands[f"{name}_band"]
        shown[attribute_table.TITLES[name]] = [
            "–" if value != value else f"{value:,.3g}  {band}".rstrip()
            for value, band in zip(values, bands, strict=True)
        ]
    catalogue = setting.catalogue("length")
    shown["As cut"] = [in_words(catalogue.cut(ItemDesign(attributes=(name,)))) for name in made.bands.attribute]
    st.dataframe(shown, key="own_table", hide_index=True)
    uses = made.bands[["attribute", "use", "reason", "paper_use", "differs"]].map(plain)
    uses.columns = ["attribute", "Suggested use", "Reason", "Paper's use", "Otherwise in the paper, and why"]
    st.table(uses.set_index("attribute"))
    st.caption(plain(attribute_table.RULE))
    st.caption(plain(USE_RULE))
    left, right = st.columns(2)
    attribute = left.selectbox("Open", attributes, key="open_attribute")
    name = right.selectbox("under", list(INDICATORS), key="open_indicator", format_func=lambda key: INDICATORS[key][0])
    show(made.results[attribute][name], setting.dataset, ItemDesign(attributes=(attribute,)), "own_")


def design_search() -> None:
    st.caption(
        "Every order of every choice of the attributes, on sampled items that have them all. Orders share what they "
        "begin with, so each beginning is read once."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Attributes to order", setting.dataset.attributes, setting.dataset.attributes[:4], max_selections=MOST,
            key="search_attributes", persist_state="session",
        )  # fmt: skip
        items = st.number_input("Items", 10, 5000, 300, 50, key="search_items", persist_state="session", width=130)
        early = st.toggle("Stop clearly worse designs early", True, key="search_early", persist_state="session")
    if not chosen:
        empty_state("Choose at least one attribute.")
        return
    count = int(items)
    found = stored_search(setting, tuple(chosen), items=count, early=early)
    if found is None:
        if not st.button("Search", key="search", type="primary", icon=":material/search:"):
            return
        found = with_progress(lambda report: search(setting, tuple(chosen), report, items=count, early=early))
    designs = found.tables["designs"]
    st.caption(plain(f"{len(designs)} designs; {found.note}. Consistency and alignment are not searched."))
    goals = st.pills(
        "Front over", list(GOALS), format_func=GOAL_TITLES.__getitem__, default=["familiarity", "bits"],
        selection_mode="multi", key="goals", persist_state="session",
        help="No finished design is as good in all of these and better in one. Designs stopped early are clearly "
        "behind in perplexity and informativeness, and not looked at.",
    )  # fmt: skip
    designs = designs.assign(front=pareto_front(designs, {name: GOALS[name] for name in goals or ["familiarity"]}))
    chart(indicator_charts.designs(designs), "search_chart")
    advice = [f"{plain(name)}: {said['use']} ({said['reason']})" for name, said in found.facts["attributes"].items()]
    st.caption(f"The attributes alone: {'; '.join(advice)}.")
    for column, (stage, rule) in zip(st.columns(2), STAGES.items(), strict=True):
        with column:
            best_of(designs, stage, rule)
    with st.expander("All designs"):
        st.dataframe(designs, key="search_table", hide_index=True)


def best_of(designs, stage: str, rule: str) -> None:
    st.caption(plain(rule))
    best = designs[designs[stage] > 0].sort_values(stage)
    if not len(best):
        empty_state("No design is eligible.")
        return
    event = st.dataframe(
        best[["design", "familiarity", "perplexity", "bits", "distinguishable", "length", "kept", "noise"]],
        key=f"best_{stage}", hide_index=True, on_select="rerun", selection_mode="single-row",
        column_config={
            "design": st.column_config.TextColumn(width=190),
            "familiarity": st.column_config.NumberColumn(format="percent"),
            "perplexity": st.column_config.NumberColumn(format="%.1f"),
            "bits": st.column_config.NumberColumn(format="%.2f"),
            "distinguishable": st.column_config.NumberColumn("told apart", format="percent"),
            "length": st.column_config.NumberColumn("tokens before the cap", format="%.1f"),
            "kept": st.column_config.NumberColumn("tokens as cut", format="%.1f"),
            "noise": st.column_config.NumberColumn(format="percent"),
        },
    )  # fmt: skip
    picked = best.design.iloc[event.selection.rows[0] if event.selection.rows else 0]
    cut_line(setting.catalogue("length").cut(ItemDesign.of(picked)))
    st.button(
        f"Adopt {plain(picked)}", key=f"adopt_{stage}", type="primary", on_click=adopt, args=(stage, picked),
        help=f"Make it the {TITLES[stage].lower()} of the design at work. Choose another row to adopt that one.",
    )  # fmt: skip


def adopt(stage: Stage, attributes: str) -> None:
    change(stage, attributes=tuple(attributes.split(",")), template=None)
    st.session_state.setdefault("notices", []).append(f"Adopted {attributes}.")


page_head(
    "Indicators",
    "What a design's texts are worth before anything is trained: the paper's five indicators and the alignment with "
    "behaviour, with the items behind every number.",
)
setting = choose()
stage = st.session_state.stage
changing = st.expander("Change the design", icon=":material/edit:", key="changing", on_change="rerun")
if changing.open:
    with changing, errors_shown():
        facts = {}
        try:
            texts = cache.item_texts(setting.dataset, getattr(state.design(), stage), setting.tokens("length"))
            facts = attribute_facts(overview_tables.coverage(setting.dataset), attribute_tokens(texts))
        except UpsrError as error:
            st.caption(plain(error))
        editor(stage, setting.dataset.attributes, facts)
design = getattr(state.design(), stage)
st.markdown(f"**{TITLES[stage]}:** {plain(design.label)}, at most {design.cap} tokens")

with errors_shown():
    cut_line(setting.catalogue("length").cut(design))
    readings = profile.profile(setting, design, lambda *_: None, CHEAP)
    place = st.container()
    readings |= model_based(design)
    with place:
        numbers(readings)
    titles = {INDICATORS[name][0]: name for name in ORDER}
    tab, title = open_tab(list(titles), "reading_tab")
    with tab:
        if titles[title] in readings:
            show(readings[titles[title]], setting.dataset, design)
        else:
            empty_state("Not measured yet: it needs the language model. Press the button above.")
parts = {
    "Your own Table 1": own_table,
    "Design search": design_search,
    "Do they predict quality?": lambda: predict_quality(setting, design),
}
tab, title = open_tab(list(parts), "part_tab")
with tab, errors_shown():
    parts[title]()
