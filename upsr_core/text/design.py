"""What an item and a history look like as text: the specifications `ItemDesign` and `Design`."""

import string
from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from upsr_core.errors import DesignError
from upsr_core.schema import ATTRIBUTE_NAME, ITEM, Spec

HISTORY, MASK = "history", "mask"
# Paper, section 3.3.2.
PAPER_PROMPT = (
    "Given the following purchase history of user: {history}, {mask}, predict masked item purchased by the user?"
)


def template_fields(template: str, what: str) -> list[str]:
    """Names in braces of a template, in order. Only plain `{name}` is allowed: no attribute access, no formats.

    >>> template_fields("{title} by {brand}", "the item template")
    ['title', 'brand']
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise DesignError(f"{what} cannot be read: {error}", repr(template), "Write attributes as {title}.") from None
    fields = []
    for _, name, specification, conversion in parts:
        if name is None:
            continue
        if specification or conversion or not ATTRIBUTE_NAME.fullmatch(name):
            raise DesignError(
                f"{what} has the field {{{name}}} that is not a plain name", repr(template), "Write it as {title}."
            )
        fields.append(name)
    return fields


def template_parts(template: str) -> tuple[list[tuple[str, str]], str]:
    """The fields of a template, each with the text before it, and the text after the last; a doubled brace is a brace.

    >>> template_parts("{{new}} {title}, {brand}.")
    ([('{new} ', 'title'), (', ', 'brand')], '.')
    """
    parts, text = [], ""
    for literal, name, _, _ in string.Formatter().parse(template):
        text += literal
        if name is not None:  # after a doubled brace the text goes on
            parts.append((text, name))
            text = ""
    return parts, text


class ItemDesign(Spec):
    """An item textual representation: ordered attributes, their format, and caps in tokens.

    Attributes
    ----------
    attributes
        Names of text columns, each once, in the order in which they stand in the text.
    template
        None for the paper's format (section 3.3.1): the title bare, every other attribute as `(name: value)`, an
        attribute without a value left out. Otherwise a text such as `{title} by {brand}` with the attributes in their
        order; it is cut into one piece per attribute: the text before a field belongs to it, and goes with it where
        the item has no such value.
    cap
        Tokens that are kept of a whole item.
    attribute_caps
        Pairs (attribute, tokens kept of it), applied before `cap`.

    Raises
    ------
    DesignError
        An attribute is there twice or cannot be named, the template does not fit, or a cap has no use.
    """

    attributes: tuple[str, ...] = Field(min_length=1)
    template: str | None = None
    cap: int = Field(default=40, ge=1, le=512)
    attribute_caps: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, attributes: str, **options: Any) -> "ItemDesign":
        """A design from names with commas: `ItemDesign.of("category,title,brand")`.

        Raises DesignError for an empty list or a name that is there twice.
        """
        names = tuple(name.strip() for name in attributes.split(",") if name.strip())
        if not names:
            raise DesignError("An item design needs at least one attribute", how="Name some, such as category,title.")
        return cls(attributes=names, **options)

    @field_validator("attributes")
    @classmethod
    def _distinct(cls, attributes: tuple[str, ...]) -> tuple[str, ...]:
        counts = Counter(attributes)
        for name in attributes:
            if name == ITEM or not ATTRIBUTE_NAME.fullmatch(name):
                raise DesignError(f"{name!r} cannot be an attribute of a design", how="Use the names of text columns.")
            if counts[name] > 1:
                raise DesignError(f"The attribute {name!r} is in the design twice", how="Name every attribute once.")
        return attributes

    @model_validator(mode="after")
    def _template_matches(self) -> Self:
        if self.template is not None and tuple(template_fields(self.template, "The item template")) != self.attributes:
            raise DesignError(
                "The item template does not show the chosen attributes in their order",
                f"template {self.template!r}, attributes {', '.join(self.attributes)}",
                "Write each attribute once, as {title}, in the order chosen.",
            )
        for name, cap in self.attribute_caps:
            if name not in self.attributes or cap < 1:
                raise DesignError(f"The cap {cap} for {name!r} has no use", how="Cap attributes of the design, from 1.")
        return self

    @property
    def label(self) -> str:
        return ", ".join(self.attributes)

    def check(self, available: Sequence[str], where: str = "") -> None:
        """Raise DesignError where an attribute of this design is not among those `available`."""
        missing = [name for name in self.attributes if name not in available]
        if missing:
            raise DesignError(
                f"The dataset{where and f' {where!r}'} has no attribute {', '.join(missing)}",
                f"it has {', '.join(available)}",
                "Choose among those.",
            )


class Design(Spec):
    """How items and histories become text in both stages; what every later number depends on.

    Attributes
    ----------
    pretrain
        Item texts in pre-training over several domains.
    finetune
        Item texts in tuning on, and ranking of, one domain.
    prompt
        The text around a history, with `{history}` and then `{mask}`; the paper's (section 3.3.2) unless given.
    max_tokens
        The longest text sequence, prompt and `</s>` included; the oldest items are dropped to fit.

    Raises
    ------
    DesignError
        The prompt has not just these two fields.
    """

    pretrain: ItemDesign = ItemDesign(attributes=("category", "title"))
    finetune: ItemDesign = ItemDesign(attributes=("category", "title", "brand", "price", "description"))
    prompt: str = PAPER_PROMPT
    max_tokens: int = Field(default=512, ge=32, le=4096)

    @field_validator("prompt")
    @classmethod
    def _prompt_fields(cls, prompt: str) -> str:
        if template_fields(prompt, "The prompt") != [HISTORY, MASK]:
            raise DesignError(
                "The prompt needs {history} and then {mask}, once each, and no other field",
                repr(prompt),
                "The paper's is: " + PAPER_PROMPT,
            )
        return prompt

    def only(self, attributes: Sequence[str]) -> "Design":
        """This design without what a dataset of these attributes lacks; a stage that is left with nothing takes the
        first of them. A template of which something is missing gives way to the paper's format.

        >>> Design().only(("title", "colour")).finetune.label
        'title'
        """

        def cut(item: ItemDesign) -> ItemDesign:
            kept = tuple(name for name in item.attributes if name in attributes)
            if kept == item.attributes:
                return item
            names = kept or tuple(attributes[:1])
            caps = tuple(pair for pair in item.attribute_caps if pair[0] in names)
            return item.model_copy(update={"attributes": names, "attribute_caps": caps, "template": None})

        return self.model_copy(update={"pretrain": cut(self.pretrain), "finetune": cut(self.finetune)})


def parse_design(finetune: str, pretrain: str | None = None, **options: Any) -> Design:
    """A design from names with commas.

    Parameters
    ----------
    finetune
        Attributes of the item texts of tuning, such as "category,title,brand".
    pretrain
        Those of pre-training; of `finetune` the category and title unless given, or all where it has neither.
    **options
        `prompt` and `max_tokens`, see `Design`.

    Raises
    ------
    DesignError
        A list is empty, or names an attribute twice.

    Examples
    --------
    >>> parse_design("category,title,brand").pretrain.label
    'category, title'
    """
    tuned = ItemDesign.of(finetune)
    if pretrain is None:
        general = tuple(name for name in tuned.attributes if name in ("category", "title"))
        first = ItemDesign(attributes=general) if general else tuned
    else:
        first = ItemDesign.of(pretrain)
    return Design(pretrain=first, finetune=tuned, **options)
