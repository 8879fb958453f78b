"""What the tables of the paper print, as printed; `published_values` makes a record of every value."""

from dataclasses import dataclass

METRICS = ("NDCG@1", "NDCG@5", "NDCG@10", "HR@5", "HR@10")


@dataclass(frozen=True)
class PublishedTable:
    """A table of the paper: dataset -> row -> a value for each column; percent unless `units` says otherwise."""

    where: str
    columns: tuple[str, ...]
    rows: dict[str, dict[str, tuple[float, ...]]]
    units: tuple[str, ...] = ()


def _table(where: str, columns: tuple[str, ...], **datasets: str) -> PublishedTable:
    """Five lines a dataset, one a metric in their order, a value for each column."""
    rows = {
        dataset: {
            metric: tuple(map(float, line.split()))
            for metric, line in zip(METRICS, block.strip().splitlines(), strict=True)
        }
        for dataset, block in datasets.items()
    }
    assert {len(values) for block in rows.values() for values in block.values()} == {len(columns)}, where
    return PublishedTable(where, columns, rows)


STAGES = ("T/T", "C+T/C+T", "C+T+D/C+T+D", "C+T/C+T+D")
INDICATORS = ("Naturalness", "Domain Consistency", "Informativeness", "Noise & Ambiguity", "Text Length")
_BOTH, _TUNING, _DISCARD = "Pre-training & tuning", "Only used in tuning", "Discard"
# Table 1: a band for each of INDICATORS, and the use.
BANDS = {
    "Title": ("high", "high", "high", "medium", "high", _BOTH),
    "Category": ("medium", "high", "medium", "medium", "low", _BOTH),
    "Brand": ("medium", "medium", "medium", "low", "medium", _TUNING),
    "Price": ("low", "medium", "medium", "very low", "low", _TUNING),
    "Description": ("high", "medium", "high", "high", "very high", _TUNING),
    "Related": ("low", "low", "medium", "high", "very high", _DISCARD),
    "SalesRank": ("low", "low", "low", "high", "low", _DISCARD),
}
# The last column of Table 3: what UPSR (FLAN-T5) gains over the best of the others, in percent of it; None for a dash.
GAINS: dict[str, tuple[float | None, ...]] = {
    "Arts": (15.89, 8.57, 7.39, 5.05, 3.76), "Instruments": (12.76, 6.97, 6.22, 4.08, 2.63),
    "Pantry": (23.00, 11.19, 8.21, 5.53, 1.11), "Books": (8.92, 4.80, 4.07, 2.15, 1.42),
    "Clothing": (14.09, 13.32, 11.51, 10.50, 8.05), "Sports": (12.77, 5.93, 3.18, 2.33, None),
    "Movies": (7.82, 2.40, 1.93, None, None),
}  # fmt: skip
TABLES = (
    PublishedTable(
        "Table 2",
        ("Users", "Items", "Interactions", "Mean length"),
        {
            name: {"all": values}
            for name, values in {
                "Pre-training": (402979, 930518, 3547017, 8.8), "Books": (197891, 504085, 1990164, 10.1),
                "Clothing": (135041, 294788, 1004679, 7.4), "Sports": (39477, 87235, 262998, 6.7),
                "Movies": (30570, 44410, 289176, 9.5), "Arts": (131149, 138116, 718628, 5.5),
                "Instruments": (62691, 53899, 403135, 6.4), "Pantry": (22601, 8249, 179735, 8.0),
            }.items()
        },
        ("users", "items", "interactions", "interactions a user"),
    ),
    _table(
        "Table 3",
        ("BERT4Rec", "SASRec", "UniSRec", "UPSR (T5)", "UPSR (FLAN-T5)"),
        Arts="""
            32.21 36.92 36.81 40.88 42.79
            42.10 49.46 48.67 51.81 53.70
            45.41 52.62 52.05 54.84 56.73
            51.30 60.64 59.36 61.69 63.70
            61.55 70.42 69.84 71.03 73.07
        """,
        Instruments="""
            36.55 38.79 37.80 42.17 43.74
            46.20 50.95 48.93 52.42 54.50
            49.23 54.05 52.23 55.37 57.41
            55.18 61.77 59.01 61.91 64.29
            64.45 71.38 69.20 71.02 73.26
        """,
        Pantry="""
            13.36 15.22 13.62 18.32 18.72
            21.21 24.76 21.07 26.72 27.53
            24.82 28.63 24.69 30.08 30.98
            28.84 33.97 28.22 34.77 35.85
            40.08 46.06 39.51 45.19 46.57
        """,
        Books="""
            32.10 38.34 28.23 39.82 41.76
            42.68 50.45 42.06 50.68 52.87
            45.66 53.32 46.28 53.38 55.49
            52.50 61.32 54.79 60.73 62.64
            62.09 69.73 67.83 69.05 70.72
        """,
        Clothing="""
            23.98 26.54 28.60 31.79 32.63
            33.22 37.18 37.54 41.42 42.54
            37.09 40.55 41.08 44.50 45.81
            42.30 46.94 46.07 50.47 51.87
            54.48 57.37 57.05 60.62 61.99
        """,
        Sports="""
            18.97 22.06 25.13 26.66 28.34
            25.93 31.57 35.40 35.52 37.50
            29.01 34.70 39.34 38.58 40.59
            33.00 40.64 45.09 44.10 46.14
            42.31 50.96 57.30 54.30 55.92
        """,
        Movies="""
            37.68 40.28 34.37 41.35 43.43
            48.55 53.46 44.96 52.40 54.74
            51.72 56.60 48.32 55.61 57.69
            58.63 65.19 54.68 62.49 64.85
            68.26 74.61 65.09 72.22 74.10
        """,
    ),
    _table(
        "Table 4",
        ("UniSRec (pre-training)", "UPSR (w/o pre-training)", "UPSR (pre-training)"),
        Pantry="""
            5.74 13.33 13.96
            10.30 17.25 17.82
            12.77 19.26 19.84
            14.81 21.03 21.39
            22.52 27.32 27.69
        """,
        Arts="""
            13.75 21.81 20.27
            21.37 26.09 24.73
            24.57 28.09 26.74
            28.57 30.13 28.96
            38.54 36.35 35.23
        """,
        Instruments="""
            13.61 23.08 23.42
            20.53 26.39 27.57
            23.03 28.18 29.41
            26.86 29.57 31.48
            34.66 35.15 37.21
        """,
    ),
    _table(
        "Table 5",
        ("T", "T+C", "T+C+D"),
        Sports="""
            22.23 25.74 26.00
            30.70 34.91 35.13
            34.44 38.14 38.23
            39.46 43.62 43.76
            50.60 53.30 53.43
        """,
        Movies="""
            30.20 33.46 40.53
            40.01 45.19 51.56
            43.51 48.97 54.80
            49.33 56.21 61.96
            60.73 67.85 72.00
        """,
    ),
    _table(
        "Table 6",
        ("T → C → D", "D → C → T", "C → T → D"),
        Sports="""
            25.30 25.68 26.00
            34.09 34.58 35.13
            37.54 37.74 38.23
            42.57 43.34 43.76
            53.40 53.22 53.43
        """,
        Movies="""
            40.45 37.53 40.53
            51.60 49.37 51.56
            54.65 52.79 54.80
            61.78 60.37 61.96
            71.96 70.93 72.00
        """,
    ),
    _table(
        "Table 7",
        STAGES,
        Instruments="""
            33.12 39.43 42.27 42.17
            43.98 49.45 52.54 52.42
            47.59 52.70 55.50 55.37
            54.28 58.70 61.84 61.91
            65.53 68.74 70.96 71.02
        """,
        Pantry="""
            13.46 16.57 18.71 18.32
            19.31 23.60 26.79 26.72
            22.42 26.70 30.16 30.08
            24.98 30.34 34.42 34.77
            34.68 39.99 44.88 45.19
        """,
        Arts="""
            31.80 39.41 40.75 40.88
            42.11 50.03 51.65 51.81
            45.85 53.17 54.70 54.84
            51.83 59.74 61.53 61.69
            63.41 69.47 71.00 71.03
        """,
    ),
    _table(
        "Table 8",
        STAGES,
        Instruments="""
            24.22 19.44 18.40 23.42
            28.60 23.01 21.27 27.57
            30.83 25.14 23.29 29.41
            32.88 26.58 24.13 31.48
            39.82 33.24 30.47 37.21
        """,
        Pantry="""
            14.66 13.48 11.54 13.96
            18.73 17.19 15.21 17.83
            20.70 19.34 16.93 19.84
            22.53 20.71 18.67 21.39
            28.71 27.43 24.02 27.69
        """,
        Arts="""
            19.70 17.00 16.94 20.27
            24.07 21.00 21.17 24.73
            26.24 22.96 23.17 26.74
            28.28 24.88 25.17 28.96
            35.05 30.99 31.42 35.23
        """,
    ),
    _table(
        "Table 9",
        ("T5-small", "T5-base"),
        Sports="""
            25.82 26.00
            34.59 35.13
            37.63 38.23
            42.86 43.76
            52.65 53.43
        """,
        Clothing="""
            31.25 31.32
            40.77 41.09
            43.71 44.28
            49.62 50.20
            58.70 60.36
        """,
    ),
)  # fmt: skip
