"""What identifies a dataset: the source files, the columns taken from them, and the thresholds."""

from typing import Literal, get_args

from pydantic import Field, ValidationError, field_validator

from upsr_core.errors import DataError
from upsr_core.schema import ITEM, TIME, USER, Spec

Kind = Literal["amazon-2014", "amazon-2018", "amazon-2023", "atomic", "table"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Role = Literal["items", "events", "unknown"]  # what a source file is about


class ColumnMapping(Spec):
    """Which source column is what.

    Events use `user_id`, `item_id` and `timestamp` (None: the order of the rows is the order of the events).
    Items use `item_id` and `attributes`, pairs (attribute, source column); an attribute named twice is made of
    both columns, in that order.
    """

    user_id: str | None = None
    item_id: str | None = None
    timestamp: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    @field_validator("attributes")
    @classmethod
    def _no_reserved_name(cls, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        for name, column in pairs:
            if not name.strip() or name in (USER, ITEM, TIME) or not column:
                raise ValueError(f"an attribute cannot be named {name!r} and come from column {column!r}")
        return pairs

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes, each once, in the order of the mapping."""
        return tuple(dict.fromkeys(name for name, _ in self.attributes))

    def column(self, field: Literal["user_id", "item_id"]) -> str:
        """The column of a field that has to have one. Raises DataError where it has none."""
        column = self.user_id if field == "user_id" else self.item_id
        if not column:
            raise DataError(f"No column was recognised as {field}", how="Say which it is.")
        return column

    def sources(self, attribute: str) -> tuple[str, ...]:
        return tuple(column for name, column in self.attributes if name == attribute)

    def changed(self, pairs: list[tuple[str, str]]) -> "ColumnMapping":
        """This mapping with each named field or attribute taken from the given column; an empty column removes it.

        A column that is given a name here is no longer an attribute under the name that was guessed for it.

        >>> ColumnMapping(item_id="asin", attributes=(("brand", "store"),)).changed([("brand", "maker")]).attributes
        (('brand', 'maker'),)
        """
        fixed = {name: column or None for name, column in pairs if name in (USER, ITEM, TIME)}
        added = [(name, column) for name, column in pairs if name not in fixed]
        named, columns = {name for name, _ in added}, {column for _, column in pairs}
        kept = [(name, column) for name, column in self.attributes if name not in named and column not in columns]
        attributes = tuple(kept + [pair for pair in added if pair[1]])
        try:
            return ColumnMapping(**(self.model_dump(exclude={"attributes"}) | fixed), attributes=attributes)
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise DataError(f"The mapping cannot be used: {reason}", how="Write FIELD=COLUMN, both named.") from error


class SourceSpec(Spec):
    """One kind of source: how it is read, the columns taken, and the SHA-256 of every file it is made of."""

    kind: Kind
    mapping: ColumnMapping
    sha256: tuple[str, ...]


class PreparationSpec(Spec):
    """Users and items with fewer events than this are dropped, again and again until none is left to drop."""

    min_user: int = Field(default=5, ge=1)
    min_item: int = Field(default=5, ge=1)

    @classmethod
    def new_domain(cls) -> "PreparationSpec":
        """The paper's rule for new domains: users with fewer than 4 events are dropped, no item is."""
        return cls(min_user=4, min_item=1)


class DatasetSpec(Spec):
    """The identity of a dataset; its digest names the data whatever the user calls them.

    `reader` is the number of the way in which files are read, cleaned and ordered: it is raised whenever the same files
    would give other texts or another order.
    """

    items: SourceSpec
    events: SourceSpec
    preparation: PreparationSpec
    reader: int = 1
