"""The core library of UPSR Studio: sequential recommendation as language (see README)."""

__version__ = "0.1.0"
