"""What a language model's perplexity is worth: its stored quality report behind one button."""

import shlex

import pandas as pd
import streamlit as st

from app.components import errors_shown, plain
from upsr_core.evaluation.verdicts import interval_text
from upsr_core.plm.quality_report import stored_report


def plm_quality(name: str) -> None:
    """A popover with the report of a model, or how to make one."""
    with st.popover("What its perplexity is worth", icon=":material/verified:"), errors_shown():
        report = stored_report(name)
        if report is None:
            st.markdown("This model has not been checked yet. On the command line:")
            st.code(f"upsr plm check {shlex.quote(name)} --data FOLDER", language="bash")
            return
        st.markdown(
            f"**{report['plot_over_shuffled']:.0%}** of {report['plots']:,} movie plots and "
            f"**{report['title_over_shuffled']:.0%}** of {report['titles']:,} product titles are likelier than their "
            f"own words shuffled; half would be chance. {report['texts_per_second']:,.0f} item texts a second."
        )
        st.caption("Perplexity by kind of text; it should rise from description to random words. Titles without year.")
        st.dataframe(perplexities(report), hide_index=True)
        st.caption("Ranking without any training, NDCG@10 (uni100): gaps with 95 % intervals over users.")
        narrow = {
            "NDCG@10 (uni100)": st.column_config.NumberColumn("NDCG@10", width=75),
            "score": st.column_config.TextColumn(width=85),
        }
        st.dataframe(zero_shot(report), hide_index=True, column_config=narrow)
        st.caption(f"Measured on {', '.join(map(plain, report['zero_shot']))} and {plain(report['plots_of'])}.")


def perplexities(report: dict) -> pd.DataFrame:
    """One row per dataset: the perplexity of each kind of text, and whether they rise."""
    rows = []
    for dataset, values in report["order_of_perplexity"].items():
        kinds = {kind: round(value, 1) for kind, value in values.items() if kind != "ordered"}
        rows.append({"dataset": dataset, **kinds, "rises": values["ordered"]})
    return pd.DataFrame(rows)


def zero_shot(report: dict) -> pd.DataFrame:
    """One row per dataset and score: NDCG@10 and its gaps."""
    return pd.DataFrame(
        [
            {
                "dataset": dataset,
                "score": score,
                "NDCG@10 (uni100)": round(values["NDCG@10 (uni100)"], 3),
                "gap to random": _gap(values["random"]),
                "gap to popularity": _gap(values["popularity"]),
                "user dependence": _gap(values["user_dependence"]),
            }
            for dataset, scores in report["zero_shot"].items()
            for score, values in scores.items()
        ]
    )


def _gap(record: dict) -> str:
    # The reports that come with the package were made when every gap had an interval.
    return interval_text(record["mean"], record["low"], record["high"], record.get("why", ""))
