"""The picture of the architecture is the one that the code gives."""

from workshop.architecture_picture import PICTURE, imports, layers, picture


def test_the_picture_is_drawn_from_the_code_as_it_is():
    assert PICTURE.read_text(encoding="utf-8") == picture(), "run `python -m workshop.architecture_picture`"
    places = {name: number for number, name in enumerate(layers())}
    assert len(places) > 10 and "models" in imports("runs")
    assert all(places[other] < places[name] for name in places for other in imports(name) & set(places))
