import tarfile

import numpy as np
import pytest

from upsr_core.errors import DataError
from upsr_core.plm.loading import load_model, load_tokenizer
from workshop.language_model.bits_per_byte import bits_per_byte, pieces_of
from workshop.language_model.corpus import read_books, read_descriptions, read_glosses, stream_of

DESCRIPTIONS = """Package: drum
Description-md5: 0
Description-en: plays a drum
 A program that plays
 a drum. It has:
  * a stick
  * a skin
 .
 Second paragraph.

Package: drum-doc
Description-md5: 1
Description-en: plays a flute
 Other.
 .
 Second paragraph.
"""
GLOSSES = """  1 This software and database is provided under a licence.
00001740 03 n 02 lip_rouge 0 lipstick 0 001 @ 00001930 n 0000 | makeup that is used to color the lips
00001930 00 a 01 galore(ip) 0 000 | in great numbers
"""


def test_descriptions_by_paragraph_each_once(tmp_path):
    (tmp_path / "descriptions.txt").write_text(DESCRIPTIONS)
    descriptions, titles = read_descriptions(tmp_path / "descriptions.txt")
    assert titles.paragraphs == ["Drum Plays A Drum", "Drum Doc Plays A Flute"]
    assert descriptions.paragraphs == [
        "plays a drum. A program that plays a drum. It has: a stick a skin",
        "Second paragraph.",
        "plays a flute. Other.",
    ]


def test_glosses_with_their_words(tmp_path):
    (tmp_path / "wordnet.txt").write_text(GLOSSES)
    assert read_glosses(tmp_path / "wordnet.txt").paragraphs == [
        "lip rouge, lipstick: makeup that is used to color the lips",
        "galore: in great numbers",
    ]


def test_the_last_books_are_held_out(tmp_path):
    archive = tmp_path / "books.tar"
    with tarfile.open(archive, "w") as tar:
        for number in range(6):
            file = tmp_path / f"{number}.txt"
            file.write_text(f"Book {number},\nline two.\n\nParagraph.\n")
            tar.add(file, file.name)
    training, held_out = read_books(archive)
    assert training.paragraphs == ["Book 0, line two.", "Paragraph.", "Book 1, line two.", "Paragraph."]
    assert len(held_out.paragraphs) == 8
    for read in (read_books, read_descriptions):
        with pytest.raises(DataError, match="not found"):
            read(tmp_path / "missing")


def test_a_stream_knows_where_paragraphs_begin(tmp_path):
    tokenizer = load_tokenizer("embedded").backend
    paragraphs = ["Red drum.", "A flute of the north."]
    stream = stream_of(paragraphs, tokenizer, tmp_path / "tokens.npz")
    assert tokenizer.decode(stream.ids[stream.starts[1] :].tolist()) == paragraphs[1]
    again = stream_of(["other"], tokenizer, tmp_path / "tokens.npz")
    assert np.array_equal(again.ids, stream.ids), "what is stored is not made again"


def test_bits_per_byte_tell_english_from_noise():
    model, tokenizer = load_model("embedded"), load_tokenizer("embedded").backend
    english = ["It was a bright cold day in the village, and the old man went down to the river to fish. " * 6] * 3
    noise = ["zq xv kw jj qqx vzk wxq zzj kqv xwz jqk vvz " * 12] * 3
    assert pieces_of(english)[0][1] in english[0] and len(pieces_of(["short"])) == 0
    assert 0 < bits_per_byte(model, tokenizer, english) < bits_per_byte(model, tokenizer, noise)
