import subprocess
import sys

import psutil
import pytest
from running import running_studio
from streamlit.testing.v1 import AppTest

from app.charts import attribute_colour
from app.components import Span, _markup, plain
from upsr_core.schema import ATTRIBUTES

PAGES = ("data", "item_text", "prompts", "indicators", "trials", "users", "compare", "paper")


def test_all_pages_open_on_the_sample(studio):
    titles = [studio(name).title[0].value for name in PAGES]
    assert titles == ["Data", "Item text", "Prompts", "Indicators", "Trials", "Users", "Compare", "Paper"]


def test_an_expected_error_is_one_box_and_no_traceback():
    def page():
        from app.components import errors_shown
        from upsr_core.errors import DataError

        with errors_shown():
            raise DataError("The file *ends* early", "a_b.csv, line 3", "Copy it again.")

    at = AppTest.from_function(page).run()
    assert not at.exception
    assert at.error[0].value == "**The file \\*ends\\* early**\n\nWhere: a\\_b.csv, line 3\n\nCopy it again."


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '" onmouseover="x', "<img src=x onerror=y>", "&lt;"])
def test_the_token_strip_escapes_data(hostile):
    markup = _markup(Span(hostile, hostile, hostile))
    assert "<script" not in markup and "<img" not in markup and 'onmouseover="' not in markup
    assert markup.count("<") == 2, "one span and nothing else"


def test_markdown_in_data_is_text():
    assert plain("[x](http://y) :red[z] <b>") == "\\[x\\]\\(http\\://y\\) \\:red\\[z\\] \\<b\\>"


def test_attributes_have_colours_of_their_own():
    colours = [attribute_colour(name) for name in ATTRIBUTES]
    assert len(set(colours)) == len(colours)
    assert attribute_colour("year") == attribute_colour("year")


def test_pages_import_no_torch(finished_run):
    finished_run(1.0)
    code = (
        "import os, sys; from streamlit.testing.v1 import AppTest; "
        "at = AppTest.from_file('app/main.py', default_timeout=60).run()\n"
        f"for name in {PAGES!r}:\n"
        "    at = at.switch_page(os.path.abspath(f'pages/{name}.py')).run() if name != 'data' else at\n"
        "    assert not at.exception, at.exception\n"
        "    print(at.title[0].value, [m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    opened = [
        f"{title} []" for title in ("Data", "Item text", "Prompts", "Indicators", "Trials", "Users", "Compare", "Paper")
    ]
    assert done.stdout.splitlines()[-len(PAGES) :] == opened, done.stdout + done.stderr


def test_a_link_opens_the_same_design_and_a_broken_one_says_so(studio):
    at = studio("item_text", design='{"finetune":{"attributes":["brand","title"]}}')
    assert at.session_state["design"].finetune.label == "brand, title"
    broken = studio("item_text", design='{"finetune":{"attributes":[]}}')
    assert "cannot be read" in broken.warning[0].value
    assert broken.session_state["design"].finetune.label.startswith("category, title")


def test_streamlit_reads_our_configuration(home, tmp_path):
    with running_studio(home, tmp_path / "log.txt") as (_, process):
        connections = psutil.Process(process.pid).net_connections()
        assert {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
