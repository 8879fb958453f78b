"""Every value of the paper that this product quotes, one record each, with the place where it was read.

What its tables print is in `published_tables`, what its text says is here. Code, pages and documentation quote these
records, and tests hold recipes, designs and documentation to them. A value is as printed; what the paper only draws
(Figures 2 to 5) is not here, and what it leaves open has no record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from upsr_core.paper.published_tables import BANDS, GAINS, INDICATORS, METRICS, TABLES

Value = float | str
DEVIATION = 0.3  # percentage points, of Table 3 by its caption: what is less is not told apart


@dataclass(frozen=True)
class PublishedValue:
    """A value of the paper.

    Attributes
    ----------
    what
        Row of a table, such as NDCG@10, or what the text speaks of.
    value
        As printed.
    unit
        Empty where it has none, or the paper names none.
    where
        Table or section where it was read.
    dataset, column
        Of a table: the dataset and the heading of the column.
    """

    what: str
    value: Value
    unit: str
    where: str
    dataset: str = ""
    column: str = ""


SETTINGS, TRAINING, DATA = "Section 4.1, parameter settings", "Section 3.4.1", "Section 4.1, datasets"
FORMAT, PLM_SIZE, LOSSES = "Section 3.3", "Section 4.7.1", "Section 4.6"
TEXT = (
    PublishedValue("learning rate", 3e-4, "", SETTINGS),  # printed as AdamW's lambda; "the same learning rate" follows
    PublishedValue("optimizer", "AdamW", "", SETTINGS),
    PublishedValue("epochs of pre-training", 20, "epochs", SETTINGS),
    PublishedValue("batch of pre-training", 128, "histories", SETTINGS),
    PublishedValue("batch of fine-tuning", 64, "histories", SETTINGS),
    PublishedValue("fine-tuning ends by", "NDCG@10", "", SETTINGS),
    PublishedValue("share of items masked", 0.1, "", SETTINGS),
    PublishedValue("samples with random items masked, to those with the last alone", "9:1", "", TRAINING),
    PublishedValue("sentinel tokens", 100, "tokens", TRAINING),
    PublishedValue("score", "perplexity", "", "Section 3.4.2, equation 2"),
    PublishedValue("longest item text", 40, "tokens", SETTINGS),
    PublishedValue("longest text sequence", 512, "tokens", SETTINGS),
    PublishedValue("negatives", 100, "items", SETTINGS),
    PublishedValue("k of HR@k and NDCG@k", "1, 5, 10", "", SETTINGS),
    PublishedValue("layers of the language model", 12, "layers", SETTINGS),
    PublishedValue("attention heads of the language model", 12, "heads", SETTINGS),
    PublishedValue("width of the language model", 768, "", SETTINGS),
    PublishedValue("vocabulary", 32128, "tokens", SETTINGS),
    PublishedValue("fewest events of users and items, pre-training domains", 5, "events", DATA),
    PublishedValue("fewest events of users, new domains", 4, "events", DATA),
    PublishedValue("text of an item, pre-training", "(category: <category_text>) <title_text>", "", FORMAT),
    PublishedValue(
        "text of an item, fine-tuning",
        "(category: <category_text>) <title_text> (brand: <brand_text>) (price: <price_text>) "
        "(description: <description_text>)",
        "",
        FORMAT,
    ),
    PublishedValue(
        "text sequence",
        "Given the following purchase history of user: <item_text_1>, ..., <item_text_n>, <masked_item>, predict "
        "masked item purchased by the user?",
        "",
        FORMAT,
    ),
    PublishedValue("deviation of results", DEVIATION, "percentage points", "Table 3, caption"),
    PublishedValue("items of a user in the test of temporal robustness", 3, "items", LOSSES),
    *(
        # "Drops over time": the text does not say of which step, nor whether percent of the first or points.
        PublishedValue("NDCG@1 lost over time", value, "%", LOSSES, "Movies", column)
        for column, value in (("UPSR", 4.3), ("SASRec", 12.9), ("BERT4Rec", 10.6))
    ),
    PublishedValue("parameters of T5-small", 61, "million", PLM_SIZE),
    PublishedValue("parameters of T5-base", 223, "million", PLM_SIZE),
    PublishedValue("interactions of the large pre-training", 36.7, "million", "Section 4.7.2"),
    PublishedValue("large pre-training over the original one", 10, "times", "Section 4.7.2"),
    PublishedValue("pre-training domains", 4, "domains", DATA),
    PublishedValue("new domains", 3, "domains", DATA),
    PublishedValue("indicators", 5, "indicators", "Section 3.2"),
    PublishedValue("attributes looked at", 7, "attributes", "Table 1"),
)
# The text calls them entropy and names no unit; bits of the tokens inside an item's text are of their size.
_INFORMATIVENESS = {"Sports": (3.94, 4.79, 4.83), "Movies": (2.77, 4.12, 4.68)}


def _of_tables() -> list[PublishedValue]:
    found = []
    for table in TABLES:
        for dataset, rows in table.rows.items():
            for what, values in rows.items():
                for place, value in enumerate(values):
                    unit = table.units[place] if table.units else "%"
                    found.append(PublishedValue(what, value, unit, table.where, dataset, table.columns[place]))
    for dataset, gains in GAINS.items():
        for metric, gain in zip(METRICS, gains, strict=True):
            if gain is not None:
                found.append(PublishedValue(metric, gain, "%", "Table 3", dataset, "Improv."))
    for attribute, bands in BANDS.items():
        for column, band in zip((*INDICATORS, "Use"), bands, strict=True):
            found.append(PublishedValue(attribute, band, "", "Table 1", "Amazon", column))
    for dataset, each in _INFORMATIVENESS.items():
        for column, value in zip(("T", "T+C", "T+C+D"), each, strict=True):
            found.append(PublishedValue("informativeness", value, "", "Section 4.5.1", dataset, column))
    return found


PUBLISHED: tuple[PublishedValue, ...] = (*TEXT, *_of_tables())


def said(what: str) -> Value:
    """What the paper's text says of something that it says one thing of. KeyError where it has no such record.

    >>> said("batch of fine-tuning")
    64
    """
    found = {each.what: each.value for each in TEXT if not each.dataset}
    return found[what]


def block(where: str, columns: Sequence[str], names: Mapping[str, str] | None = None) -> dict[str, dict[str, tuple]]:
    """The values read at one place: dataset -> row -> a value for each of `columns`, None where there is none.

    `names` renames rows, and leaves out those that it does not name.

    >>> block("Section 4.6", ("UPSR", "SASRec"))
    {'Movies': {'NDCG@1 lost over time': (4.3, 12.9)}}
    """
    cells: dict[str, dict[str, dict[str, Value]]] = {}
    for each in PUBLISHED:
        if each.where == where and each.dataset and (names is None or each.what in names):
            row = each.what if names is None else names[each.what]
            cells.setdefault(each.dataset, {}).setdefault(row, {})[each.column] = each.value
    return {
        dataset: {row: tuple(values.get(column) for column in columns) for row, values in rows.items()}
        for dataset, rows in cells.items()
    }


def found_on(where: str, better: str, worse: str, metric: str) -> str:
    """On which datasets of a table the paper has one column above another, in words.

    >>> found_on("Table 5", "T+C+D", "T+C", "NDCG@10")
    'Movies; hardly on Sports'
    """
    above: list[str] = []
    hardly, below = list[str](), list[str]()
    for dataset, rows in block(where, (better, worse)).items():
        first, second = rows[metric]
        gap = round(first - second, 2)
        (above if gap > DEVIATION else hardly if gap > 0 else below).append(dataset)
    parts = [", ".join(above) if below or hardly or len(above) < 4 else f"all {len(above)}"]
    parts += [f"hardly on {', '.join(hardly)}"] * bool(hardly) + [f"not on {', '.join(below)}"] * bool(below)
    return "; ".join(part for part in parts if part)
