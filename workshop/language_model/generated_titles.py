"""Titles as shops write them, of our own making: who makes it, which one, what it is, and how much of it."""

from dataclasses import dataclass
from random import Random

_UNITS = ["oz", "Ounce", "Ounces", "fl oz", "fl. oz.", "ml", "g", "kg", "lb", "Pound", "Inch", "Inches", "cm", "Feet"]
_COUNTS = ["Count", "Pieces", "Piece", "Pack", "Piece Set", "Pcs", "Sheets", "Colors", "Sets"]
_PACKS = [" (Pack of {})", ", Pack of {}", " ({} Pack)", " ({} Count)", ", {}-Pack", " x {}", ", Set of {}"]
_COLOURS = ["Black", "White", "Red", "Blue", "Green", "Pink", "Silver", "Gold", "Brown", "Purple", "Clear", "Yellow"]
_COLOURS += ["Grey", "Orange", "Light Blue", "Dark Brown", "Natural", "Ivory"]
_JOINTS = [", ", ", ", " ", " ", " - "]


@dataclass(frozen=True)
class TitleHabit:
    """How the titles of one shop are written: the chance of each part, and what stands between them."""

    maker: float
    quality: float
    purpose: float
    amount: float
    pack: float
    colour: float
    number: float
    joint: str

    @classmethod
    def drawn(cls, random: Random) -> "TitleHabit":
        def chance(share: float, top: float) -> float:
            return random.random() * top if random.random() < share else 0.0

        return cls(
            maker=random.choice([0.0, 0.5, 1.0, 1.0]),
            quality=random.random(),
            purpose=chance(0.5, 0.6),
            amount=chance(0.6, 1.0),
            pack=chance(0.3, 0.5),
            colour=chance(0.3, 0.7),
            number=chance(0.25, 0.6),
            joint=random.choice(_JOINTS),
        )


def shop_title(random: Random, habit: TitleHabit, maker: str, style: str, thing: str, quality: str, other: str) -> str:
    """Maker, style, quality, thing, purpose, then amount, colour and pack, each with the habit's chance."""
    words = [maker] if random.random() < habit.maker else []
    words.append(style)
    if random.random() < habit.quality:
        words.insert(len(words) - random.randrange(2), quality)
    words.append(thing)
    if random.random() < habit.purpose:
        words.append(random.choice(["for", "with", "and", "&", "with", "for"]))
        words.append(other)
    title = " ".join(words)
    if random.random() < habit.number:
        title += random.choice([" {}", " No. {}", ", Volume {}"]).format(random.randint(1, 12))
    if random.random() < habit.amount:
        title += habit.joint + amount(random)
    if random.random() < habit.colour:
        title += habit.joint + random.choice(_COLOURS)
    if random.random() < habit.pack:
        title += random.choice(_PACKS).format(random.choice([2, 2, 3, 3, 4, 6, 12, 24]))
    return title


def amount(random: Random) -> str:
    """A number with its unit.

    >>> amount(Random(1))
    '100 Pieces'
    """
    if random.random() < 0.35:
        return f"{random.choice([2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 30, 50, 100])} {random.choice(_COUNTS)}"
    number = random.choice(["1", "2", "3", "4", "5", "6", "8", "10", "12", "16", "20", "24", "32", "50", "100", "250"])
    if random.random() < 0.35:
        number = f"{random.randint(0, 16)}.{random.choice(['5', '5', '25', '75', '2', '4', '7', '8'])}"
    return f"{number}{random.choice(['-', ' ', ' ', ' '])}{random.choice(_UNITS)}"


def work_title(random: Random, nouns: tuple[str, str, str], quality: str) -> str:
    """The title of a book, film or game."""
    one, two, three = nouns
    title = random.choice([
        f"The {one}", f"The {quality} {one}", f"{one} of the {two}", f"{one} of {two}", f"{quality} {one}",
        f"{one} and {two}", f"{one}: The {two} {three}", f"{one}: {quality} {two}", f"A {one} for {two}", one,
    ])  # fmt: skip
    if random.random() < 0.2:
        title += f" {random.choice(['2', '3', 'II', 'III', 'IV'])}"
    return title + (f" ({random.randint(1900, 2020)})" if random.random() < 0.3 else "")
