from random import Random

from workshop.language_model.generated_listings import ListingWriter
from workshop.language_model.generated_titles import TitleHabit, shop_title, work_title
from workshop.language_model.wordnet_goods import read_goods, read_qualities, roots_of

LINES = ['00000001 06 n 01 toiletry 0 001 @ 00000099 n 0000 | things to wash with; "she packed her toiletries"']
LINES += [
    f"0000001{n} 06 n 02 soap_{w} 0 {w}_soap 1 001 @ 00000001 n 0000 | soap of kind {w}"
    for n, w in enumerate("abcdefg")
]
LINES += ["00000020 04 n 01 washing 0 001 @ 00000001 n 0000 | an act", "00000030 00 s 01 clean(a) 0 000 | not dirty"]


def test_kinds_of_things_with_their_place(tmp_path):
    file = tmp_path / "wordnet.txt"
    file.write_text("\n".join(LINES))
    goods = read_goods(file)
    assert len(goods) == 8, "acts are no goods"
    toiletry = goods[0]
    assert toiletry.gloss == "things to wash with" and toiletry.parent is None
    assert goods[1].names == ["soap a", "a soap"] and goods[1].path(toiletry) == ["toiletry", "soap a"]
    assert roots_of(goods) == [toiletry]
    assert read_qualities(file, ["a clean dirty clean sheet"]) == ["clean"]


def test_real_kinds_are_listed_under_their_category(tmp_path):
    import numpy as np

    file = tmp_path / "wordnet.txt"
    file.write_text("\n".join(LINES))
    writer = ListingWriter([f"word{i}" for i in range(50)], read_goods(file), ["clean"])
    lines = [line for seed in range(60) for line in writer.write(np.random.default_rng(seed))[1]]
    soaps = [line for line in lines if "Soap" in line and "category" in line]
    assert len(soaps) > 20 and all("(category: Toiletries)" in line for line in soaps)


def test_titles_name_the_maker_first_and_the_amount_last():
    habit = TitleHabit(maker=1, quality=1, purpose=0, amount=1, pack=0, colour=0, number=0, joint=", ")
    title = shop_title(Random(0), habit, "Elmar", "Gentle", "Soap", "Clean", "Towel")
    assert title.startswith("Elmar") and {"Gentle", "Clean"} <= set(title.split()) and ", " in title
    assert title.split(",")[0].endswith("Soap") and title.split(", ")[1][0].isdigit()
    assert "Soap" in work_title(Random(3), ("Soap", "Towel", "Sea"), "Clean")
