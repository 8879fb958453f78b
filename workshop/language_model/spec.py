"""What the making of an embedded language model varies by."""

from pydantic import Field

from upsr_core.schema import Spec


class PretrainingSpec(Spec):
    """Geometry, objective and budget; `tokens` in the card are counted, not planned.

    `prefix` and `listings` are shares of the steps; the rest is span corruption (15 %, spans of 3 on average).
    """

    vocabulary: int = Field(default=8192, ge=300, le=65_000)
    d_model: int = 192
    d_ff: int = 768
    d_kv: int = 32
    heads: int = 6
    encoder_layers: int = 4
    decoder_layers: int = 3
    steps: int = Field(default=6600, ge=1)
    batch_tokens: int = 5120
    length: int = 192
    prefix: float = Field(default=0.25, ge=0, le=1)
    listings: float = Field(default=0.25, ge=0, le=1)
    learning_rate: float = 1.5e-2
    warmup: int = 100
    checkpoints: int = Field(default=500, ge=1)
    seed: int = 11


# By the name under which they come with the product: its title, and how it is made.
SIZES = {
    "embedded": ("Embedded T5", PretrainingSpec()),
    "small": ("Small sibling", PretrainingSpec(d_model=96, d_ff=384, heads=3, encoder_layers=3, decoder_layers=2)),
}
