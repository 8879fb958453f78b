"""Names and texts that try to be markup, paths that leave what may be read, and what the studio listens on."""

import re
import tomllib
from pathlib import Path

import pytest
import streamlit as st

from app import allowed_paths, cache
from upsr_core.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
# Xq is looked for on every page: each of its marks has to be escaped there.
NAME = "[Xq](x:Xq) **Xq** `Xq` $Xq$ :red[Xq]"
TEXT = "[Xq](javascript:alert(1)) ![Xq](http://x.example/p) <b>Xq</b> **Xq** $Xq$ :material/Xq: :red[Xq] # Xq"
READ_AS_MARKDOWN = (
    "markdown", "caption", "warning", "error", "info", "success", "subheader", "header", "title", "toast", "metric",
    "button", "toggle", "checkbox", "expander", "tabs",
)  # fmt: skip


@pytest.fixture
def hostile(stocked, tmp_path):
    """A dataset whose name, ids and texts all try to be markup."""
    from upsr_core.datasets.importing import import_dataset
    from upsr_core.datasets.recognition import guess
    from upsr_core.datasets.spec import PreparationSpec

    items = [f'"{n} {TEXT}","{TEXT}","{TEXT}",{TEXT}{n}' for n in range(130)]
    (tmp_path / "items.csv").write_text("title,brand,<b>Xq</b>,item_id\n" + "\n".join(items) + "\n")
    events = [f"{TEXT}{u},{TEXT}{(7 * u + n) % 130},{n}" for u in range(60) for n in range(9)]
    (tmp_path / "events.csv").write_text("user_id,item_id,timestamp\n" + "\n".join(events) + "\n")
    assert "b_xq_b" in guess(tmp_path / "items.csv").mapping.names
    rule = PreparationSpec(min_user=1, min_item=1)
    return import_dataset(NAME, tmp_path / "items.csv", tmp_path / "events.csv", preparation=rule)


def unescaped(at) -> list[str]:
    """Strings that a page gives to markdown and in which a mark of the data stands unescaped."""
    found = []
    for kind in READ_AS_MARKDOWN:
        for element in at.get(kind):
            for text in (
                getattr(element, "value", ""),
                getattr(element, "label", ""),
                getattr(element.proto, "help", ""),
            ):
                if re.search(r"(?<!\\)(\[Xq|\*\*Xq|`Xq|\$Xq|<b>Xq|:red\[|:material/Xq|# Xq)", str(text or "")):
                    found.append(f"{kind}: {text}")
    return found


def test_no_page_reads_names_or_texts_as_markup(studio, hostile, finished_run):
    from upsr_core.text.design import parse_design
    from upsr_core.text.saved_designs import save_design

    save_design(NAME, parse_design("title,b_xq_b"))
    runs = [finished_run(use, attributes, NAME) for use, attributes in ((0.2, "title"), (0.4, "title,brand"))]
    chosen = {"users": {"runs": ",".join(run.id for run in runs)}, "compare": {"run": [run.id for run in runs]}}
    for page in ("data", "item_text", "prompts", "indicators", "trials", "users", "compare", "paper"):
        at = studio(page, **chosen.get(page, {"dataset": NAME, "on": NAME}))
        assert not at.exception, (page, at.exception)
        assert not unescaped(at), page


def test_an_unreadable_link_is_shown_as_text(studio):
    prompt = '{"prompt": "[Xq](javascript:alert(1)) **Xq**"}'
    for page, query in (("data", {"dataset": NAME}), ("prompts", {"design": prompt}), ("prompts", {"user": NAME})):
        at = studio(page, **query)
        assert at.warning and not unescaped(at), query


def test_nothing_listens_beyond_this_machine_unless_told():
    config = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"].get("enableXsrfProtection", True) and config["server"].get("enableCORS", True)
    assert config["client"].get("showErrorDetails", "full") != "full"
    assert "address" not in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", "studio.example", "", None])
def test_listening_beyond_this_machine_confines_paths(monkeypatch, tmp_path, home, address):
    monkeypatch.setattr(st, "get_option", lambda name: address)
    monkeypatch.chdir(tmp_path)
    assert allowed_paths.roots() == (tmp_path.resolve(), home.resolve())
    (tmp_path / "in.csv").touch()
    assert allowed_paths.allowed(tmp_path / "in.csv") == tmp_path / "in.csv"
    (tmp_path / "link").symlink_to("/etc")
    outside = [
        "/etc/passwd",
        "/etc/no-such-file",
        tmp_path / "link" / "passwd",
        tmp_path / ".." / "x",
        "~/x",
        "/proc/self/environ",
    ]
    for path in outside:
        with pytest.raises(DataError, match="reads no files there") as refused:
            allowed_paths.allowed(Path(path))
        assert allowed_paths.ROOTS in refused.value.how
    for name in ("/etc", "../etc", "~/model", "link"):
        with pytest.raises(DataError, match="reads no files there"):
            allowed_paths.allowed_model(name)
    assert allowed_paths.allowed_model("embedded") == "embedded" and allowed_paths.allowed_model("google/flan-t5-small")


def test_a_proxy_in_front_confines_paths_too(monkeypatch, home):
    assert not allowed_paths.asked_from_afar() and allowed_paths.roots() is None
    assert allowed_paths.allowed(Path("/etc/passwd")) == Path("/etc/passwd")
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-Ip"):
        with monkeypatch.context() as patch:
            patch.setattr(type(st.context), "headers", {header: "10.0.0.1"})
            assert allowed_paths.asked_from_afar() and allowed_paths.roots()


def test_named_roots_hold_on_the_pages(studio, monkeypatch, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "shut.csv").write_text("item_id,title\ni1,x\n")
    (tmp_path / "open" / "items.csv").write_text("item_id,title\ni1,x\n")
    monkeypatch.setenv(allowed_paths.ROOTS, str(tmp_path / "open"))
    at = studio("data")
    at.segmented_control(key="data_view").set_value("Import").run()
    at.text_input(key="path_items").set_value(str(tmp_path / "shut.csv")).run()
    said = at.error[0].value.replace("\\", "")
    assert "reads no files there" in said and str(tmp_path / "open") in said
    at.text_input(key="path_items").set_value(str(tmp_path / "open" / "items.csv")).run()
    assert not at.error
    at = studio("prompts", plm=str(tmp_path))
    assert "reads no files there" in at.error[0].value


@pytest.mark.parametrize(
    "name", ["../../x.csv", "..", ".", "", "a/b\\c.csv", ".hidden", "n" * 300, "x\x00\x1b.csv", "CON"]
)
def test_an_uploaded_file_stays_in_its_folder(name):
    class Upload:
        file_id = "0f"

        def getbuffer(self):
            return b"item_id,title\n"

    upload = Upload()
    upload.name = name
    path = cache.uploaded_path(upload)
    folder = Path(cache._upload_folder().name) / "0f"
    assert path.is_file() and path.resolve().parent == folder.resolve() and path.name.isprintable()
    path.unlink()
