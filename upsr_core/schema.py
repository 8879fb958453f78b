"""Names of columns and attributes, and the frozen specification that everything varies by."""

import hashlib
import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict

USER = "user_id"
ITEM = "item_id"
TIME = "timestamp"

# The seven attributes of the paper's Table 1, in its order. Any other text column may stand beside them.
ATTRIBUTES = ("title", "category", "brand", "price", "description", "related", "salesrank")


# What a design can name in braces, in any script; nothing that reaches into a value or is markup.
ATTRIBUTE_NAME = re.compile(r"[^\W\d][\w ]*")


def digest_of(value: Any) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of a JSON-able value in canonical form.

    >>> digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    True
    """
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Spec(BaseModel):
    """A frozen, hashable and validated record; its digest is the only cache key of what it describes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def digest(self) -> str:
        return digest_of({"spec": type(self).__name__, **self.model_dump(mode="json")})
