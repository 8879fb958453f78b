from pages_common import texts

from app.token_spans import target_spans
from upsr_core.datasets.store import load_dataset
from upsr_core.plm.loading import load_tokenizer
from upsr_core.text.design import Design
from upsr_core.text.prompt import SequenceBuilder
from upsr_core.text.render import ItemTexts


def builder(data):
    return SequenceBuilder(Design(), ItemTexts(Design().finetune, data.items, load_tokenizer("embedded")))


def test_the_sequence_of_a_user(studio):
    data = load_dataset("sample:movies") if (at := studio("prompts", user="")) else None
    longest = max(range(len(data.users)), key=lambda user: len(data.history(user)))
    at = studio("prompts", user=str(data.users[longest]))
    sequence = builder(data).ranking(data.history(longest)[:-1])
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown["Tokens"] == f"{len(sequence.ids)} of 512"
    assert shown["Oldest items dropped"] == str(sequence.dropped) and sequence.dropped > 0
    assert "Fell off" in texts(at)
    assert len(at.dataframe[0].value) == sequence.dropped


def test_step_search_and_an_unknown_user(studio):
    at = studio("prompts")
    users = load_dataset("sample:movies").users
    at.button(key="user_next").click().run()
    assert at.query_params["user"] == users[1]
    at.text_input(key="user_search").set_value(users[5][:9]).run()
    assert at.query_params["user"] == users[5]
    at.text_input(key="user_search").set_value("nobody").run()
    assert "No user here" in at.error[0].value and at.query_params["user"] == users[5]
    at.button(key="user_random").click().run()
    assert not at.exception


def test_the_limit_and_a_broken_prompt(studio):
    at = studio("prompts")
    at.number_input(key="max_tokens").set_value(128).run()
    assert at.metric[0].value.endswith("of 128")
    at.text_area(key="prompt").set_value("no fields").run()
    assert len(at.error) == 1 and at.session_state["design"].prompt != "no fields"
    at.number_input(key="max_tokens").set_value(32).run()
    assert not at.exception


def test_masked_samples_redraw(studio):
    at = studio("prompts")
    at.segmented_control(key="masks").set_value("Random items").run()
    strips = set()
    for _ in range(4):
        strips.add(at.get("html")[-1].proto.body)
        at.button(key="redraw").click().run()
    assert len(strips) > 1 and not at.exception


def test_target_spans_name_item_and_attribute(movies):
    made = builder(movies)
    history = movies.history(0)[:-2]
    _, target = made.masked(history, [1, 3])
    spans = target_spans(target, [int(history[1]), int(history[3])], made, movies.items)
    assert len(spans) == len(target) and [span.text for span in spans if span.mark] == ["<extra_id_0>", "<extra_id_1>"]
    first = made.texts.item(int(history[1]))
    assert [made.texts.design.attributes.index(span.attribute) for span in spans[1 : 1 + len(first.ids)]] == list(
        first.owner
    )
