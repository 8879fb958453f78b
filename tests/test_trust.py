"""What SECURITY.md promises of the whole code, looked for in its text and tried where that says little."""

import ast
import gzip
import json
import pickle
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import pytest

from upsr_core.errors import DataError, ModelError

ROOT = Path(__file__).resolve().parents[1]
FILES = [file for part in ("app", "pages", "upsr_core") for file in sorted((ROOT / part).rglob("*.py"))]


@cache
def calls(file: Path) -> list[tuple[str, ast.Call]]:
    """Every call in a file by the text of what is called."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_no_code_or_pickle_of_strangers_is_ever_run():
    forbidden = re.compile(
        r"(^|\.)(eval|exec|extractall|read_pickle|torch\.load|pickle\.loads?|joblib\.load|dill\.loads?|yaml\.load)$"
    )
    wanted = {
        "trust_remote_code": False,
        "use_safetensors": True,
        "allow_pickle": False,
        "weights_only": True,
        "shell": False,
    }
    for file in FILES:
        for name, call in calls(file):
            torch_mode = name.endswith(".eval") and not call.args
            assert torch_mode or not forbidden.search(name), f"{file}:{call.lineno} {name}"
            for word in call.keywords:
                if word.arg in wanted:
                    assert ast.literal_eval(word.value) is wanted[word.arg], f"{file}:{call.lineno} {word.arg}"


def test_every_model_is_read_from_safetensors():
    found = [
        (file.name, call.lineno, {word.arg for word in call.keywords})
        for file in FILES
        for name, call in calls(file)
        if re.search(r"Model\w*\.from_pretrained$|ForConditionalGeneration\.from_pretrained$", name)
    ]
    assert found and all({"use_safetensors", "local_files_only"} <= words for _, _, words in found), found


def test_resuming_reads_no_pickle_that_could_run_code():
    """The Trainer keeps optimizer and random state as torch files; torch reads them without running anything."""
    source = (Path(find_spec("transformers").origin).parent / "trainer.py").read_text(encoding="utf-8")
    loads = [source[found.start() : found.start() + 400] for found in re.finditer(r"torch\.load\(", source)]
    assert loads
    for text in loads:
        assert "weights_only=True" in text.split("torch.load(", 2)[1], text[:120]


def test_markup_of_our_own_is_made_in_two_places_alone():
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert "unsafe_allow_html" not in text and "components.v1" not in text, file
        if "st.html(" in text:
            assert file.name in ("components.py", "attribution_view.py") and "html.escape" in text


def test_every_exported_table_goes_through_the_one_door():
    own = {"csv_export.py", "run.py"}  # the door, and a run's curve: numbers, read by ourselves
    for file in FILES:
        assert file.name in own or not any(name.endswith(".to_csv") for name, _ in calls(file)), file


def test_a_pickle_beside_a_configuration_is_refused(tmp_path):
    from upsr_core.plm.loading import weights_digest

    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5"}))
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="no weights in safetensors") as refused:
        weights_digest(str(tmp_path))
    assert "Pickles are never read" in str(refused.value) and not (tmp_path / "ran").exists()


@pytest.mark.parametrize("part", [b'{"user_id":"u","item_id":"i","timestamp":1}\n', b"x"])
def test_a_file_that_explodes_is_refused_before_it_does(tmp_path, part):
    from upsr_core.datasets.source_lines import SourceFile, is_intact, lines
    from upsr_core.runtime import forget_peak_memory, peak_memory_mib

    block = gzip.compress(part * (20_000_000 // len(part)), 9, mtime=0)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b"{}\n", mtime=0) + block * 50)
    forget_peak_memory()
    before = peak_memory_mib()
    with pytest.raises(DataError, match=r"times its size|longer than") as refused:
        for _ in lines(SourceFile(tmp_path / "bomb.json.gz")):
            pass
    assert "bomb.json.gz" in refused.value.where
    with pytest.raises(DataError, match="times its size"):
        is_intact(tmp_path / "bomb.json.gz", Event())
    assert peak_memory_mib() - before < 200


def test_a_figure_as_a_page_holds_no_markup_of_the_data(tmp_path):
    from upsr_core.export.figure_files import _page
    from upsr_core.export.figure_style import figure_of

    figure = figure_of(x="</script><script>alert(1)</script>").add_scatter(
        x=[1], y=["</script><img src=x onerror=alert(1)>"]
    )
    page = _page(figure, "")
    assert "<script>alert(1)" not in page and "<img src=x" not in page


def test_the_terminal_takes_no_orders_from_the_data(capsys):
    from rich.table import Table

    from upsr_core.cli.terminal import Terminal

    table = Table("[red]head[/b]")
    table.add_row("[/nothing] \x1b[31m\x07\x9b31m")
    Terminal(width=80).print(table)
    shown = capsys.readouterr().out
    assert "[red]head[/b]" in shown and "[/nothing]" in shown and not re.search("[\x07\x1b\x9b]", shown)


def test_what_is_promised_is_written_down():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for word in ("UPSR_ROOTS", "safetensors", "127.0.0.1", "proxy", "pickle", "trust_remote_code"):
        assert word in text, word
