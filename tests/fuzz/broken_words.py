"""Broken designs, templates, mappings, stored specifications, and language models from strangers."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

from fuzz_case import Case

DEEP = '{"a":' * 5000 + "1" + "}" * 5000


def _parsed(text: str) -> Callable[[Path], str]:
    def act(folder: Path) -> str:
        from upsr_core.text.design import parse_design

        return parse_design(text).finetune.label

    return act


def _templated(template: str, attributes: str = "title,brand") -> Callable[[Path], str]:
    def act(folder: Path) -> str:
        from upsr_core.text.design import ItemDesign
        from upsr_core.text.render import render

        design = ItemDesign.of(attributes, template=template)
        return render(design, {"title": "{brand} {0} %s", "brand": "Acme"})[0]

    return act


def _prompted(prompt: str) -> Callable[[Path], str]:
    def act(folder: Path) -> str:
        from upsr_core.text.design import parse_design

        return parse_design("title", prompt=prompt).prompt

    return act


def designs() -> list[Case]:
    names = ["", ",", " , ,", "title,title", "title, title ", "item_id", "{title}", "ti{tle", "title}", "title;brand",
             "0title", "title.__class__", "title[0]", "title!r", "title:>9", "a\x00b", "a\nb", "<script>", "*", "../x", "\u202etitle"]  # fmt: skip
    templates = ["", "no field", "{}", "{0}", "{title", "title}", "{title} {brand", "{brand} {title}", "{title} {title}", "{title}",
                 "{0.__class__}", "{title.__class__} {brand}", "{title[0]} {brand}", "{title!r} {brand}", "{title!s} {brand}", "{title:>99999999} {brand}",
                 "{title:{brand}}", "{title} {brand} {price}", "{ title } {brand}", "{title}{brand!x}", "{{title}} {brand}", "{title} {brand} }", "%s {title}"]  # fmt: skip
    prompts = ["", "{history}", "{mask}", "{mask} {history}", "{history} {mask} {user}", "{history} {history} {mask}", "{history.x} {mask}",
               "{history!r} {mask}", "{history:>9} {mask}", "{0} {mask}", "{history {mask}", "{history} {mask} }"]  # fmt: skip
    fine = ["{title} {brand}", "{{{title}}} {brand}", "{title}\n{brand}", "💥{title}<b>{brand}</b>", "{title} %s %(x)s ${brand}", "{title} " + "x" * 100_000 + " {brand}"]  # fmt: skip
    return [
        *(Case(f"design/{n} {text[:20]!r}", _parsed(text), "attribute") for n, text in enumerate(names)),
        *(Case(f"template/{n} {text[:30]!r}", _templated(text), "template") for n, text in enumerate(templates)),
        *(Case(f"template/fine {n}", _templated(text), r"\{brand\} \{0\} %s", "taken") for n, text in enumerate(fine)),
        *(Case(f"prompt/{n} {text[:30]!r}", _prompted(text), "prompt") for n, text in enumerate(prompts)),
        Case("design/ten thousand names", _parsed(",".join(f"a{n}" for n in range(10_000))), "", "taken"),
        Case("design/name of 1 MB", _parsed("a" * 1_000_000), "", "taken"),
        Case("design/names of other scripts", _parsed("größe,標題,ціна"), "größe", "taken"),
        Case("design/template of 1 MB of braces", _templated("{" * 1_000_000), "template"),
    ]  # fmt: skip


def _mapped(pairs: list[tuple[str, str]]) -> Callable[[Path], str]:
    def act(folder: Path) -> str:
        from upsr_core.datasets.spec import ColumnMapping

        return str(ColumnMapping(item_id="asin", attributes=(("title", "title"),)).changed(pairs))

    return act


def mappings() -> list[Case]:
    return [
        Case("mapping/empty name", _mapped([("", "x")]), "mapping"),
        Case("mapping/blank name", _mapped([("  ", "x")]), "mapping"),
        Case("mapping/field away", _mapped([("item_id", "")]), "", "taken"),
        Case("mapping/attribute away", _mapped([("title", "")]), "", "taken"),
        Case("mapping/attribute that is not there away", _mapped([("brand", "")]), "", "taken"),
        Case("mapping/one name twice", _mapped([("brand", "a"), ("brand", "b")]), "", "taken"),
        Case("mapping/markup", _mapped([("<b>", "<script>")]), "", "taken"),
    ]  # fmt: skip


def _saved(text: str | bytes) -> tuple[Callable[[Path], object], Callable[[Path], str]]:
    def prepare(folder: Path) -> None:
        from upsr_core.runtime import home

        (home() / "designs").mkdir()
        (home() / "designs" / "mine.json").write_bytes(text if isinstance(text, bytes) else text.encode())

    def act(folder: Path) -> str:
        from upsr_core.text.saved_designs import list_designs, load_design

        assert list_designs() == {}
        return str(load_design("mine"))

    return prepare, act


def _design(**changes) -> str:
    fields = {"pretrain": {"attributes": ["title"]}, "finetune": {"attributes": ["title"]}}
    return json.dumps(fields | changes)


JSON_DESIGNS = {
    "empty": "", "blank": " ", "no JSON": "title", "cut": '{"finetune": {"attr', "null": "null", "list": "[]", "number": "7",
    "text": '"title"', "unknown field": _design(code="import os"), "no attributes": _design(finetune={"attributes": []}),
    "attributes as text": _design(finetune={"attributes": "title"}), "attributes of numbers": _design(finetune={"attributes": [1]}),
    "cap 0": _design(finetune={"attributes": ["title"], "cap": 0}), "cap 1e9": _design(finetune={"attributes": ["title"], "cap": 1e9}),
    "cap NaN": _design(finetune={"attributes": ["title"], "cap": float("nan")}), "cap of a text": _design(finetune={"attributes": ["title"], "cap": "many"}),
    "cap of nothing": _design(finetune={"attributes": ["title"], "attribute_caps": [["brand", 3]]}),
    "template that reaches out": _design(finetune={"attributes": ["title"], "template": "{title.__class__.__mro__}"}),
    "prompt that reaches out": _design(prompt="{history.__init__.__globals__} {mask}"), "limit of 1e12": _design(max_tokens=10**12),
    "limit of 5,000 digits": '{"max_tokens": ' + "9" * 5000 + "}", "very deep": DEEP, "item_id": _design(finetune={"attributes": ["item_id"]}),
}  # fmt: skip


def saved_designs() -> list[Case]:
    broken = {**JSON_DESIGNS, "not UTF-8": b'{"prompt": "\xff"}', "NUL bytes": b"\0" * 100, "pickle": pickle.dumps({})}
    found = []
    for name, text in broken.items():
        prepare, act = _saved(text)
        found.append(Case(f"saved/{name}", act, "mine.*(Delete it|save it again)|mine.json", prepare=prepare))
    for n, name in enumerate(["", " ", "Title only", "n" * 300, "ü" * 120]):
        found.append(Case(f"saved/name {n}", _save_as(name), "name"))
    for n, name in enumerate(["../../x", ".", "..", "/etc/passwd", "a\\b", "<b>", "con", "bell\a", "-rf"]):
        found.append(Case(f"saved/odd name {n}", _save_as(name), "inside", "taken"))
    return found


def _save_as(name: str) -> Callable[[Path], str]:
    def act(folder: Path) -> str:
        from upsr_core.runtime import home
        from upsr_core.text.design import parse_design
        from upsr_core.text.saved_designs import load_design, save_design

        save_design(name, parse_design("title"))
        load_design(name)
        (file,) = (home() / "designs").iterdir()
        assert [path.name for path in home().iterdir()] == ["designs"], "a file lies outside"
        return f"inside: {file.name}"

    return act


def _spec(**changes) -> str:
    """A whole specification of a run, but for these changes; those of `model` go into its record."""
    model = {
        "name": "upsr", "design": _item_text("title"), "plm": {"name": "embedded", "content": "0"},
        "training": {"tokens": 1},
    }  # fmt: skip
    fields = {
        "model": model | changes.pop("model", {}), "dataset": {"name": "d", "content": "0"}, "validation_users": 1,
        "candidates": {"mode": "uni100"},
    }  # fmt: skip
    return json.dumps(fields | changes)


def _item_text(attribute: str, **changes) -> dict:
    return {stage: {"attributes": [attribute]} | changes for stage in ("pretrain", "finetune")}


def run_specs() -> list[Case]:
    texts = {
        "empty": "", "no JSON": "spec", "null": "null", "list": "[]", "nothing in it": "{}", "very deep": DEEP, "cut": _spec()[:60],
        "unknown model": _spec(model={"name": "gpt"}), "unknown field": _spec(command="rm"), "tokens -1": _spec(model={"training": {"tokens": -1}}),
        "tokens NaN": _spec(model={"training": {"tokens": float("nan")}}), "unknown mode": _spec(candidates={"mode": "all"}),
        "dataset as text": _spec(dataset="d"), "users 0": _spec(validation_users=0), "no design": _spec(model={"design": None}),
        "template that reaches out": _spec(model={"design": _item_text("title", template="{title.__class__}")}),
        "learning rate 0": _spec(model={"training": {"tokens": 1, "learning_rate": 0}}), "not UTF-8": b"\xff\xfe{}", "NUL bytes": b"\0" * 50,
    }  # fmt: skip

    def of(name: str, text: str | bytes) -> list[Case]:
        content = text if isinstance(text, bytes) else text.encode()

        def run_there(folder: Path) -> None:
            from upsr_core.runs.run import runs_folder

            (runs_folder() / "0123").mkdir()
            (runs_folder() / "0123" / "spec.json").write_bytes(content)

        def load(folder: Path) -> str:
            from upsr_core.runs.run import load_run

            return load_run("01").title

        def exported_there(folder: Path) -> None:
            (folder / "made" / "specs").mkdir(parents=True)
            (folder / "made" / "specs" / "0123.json").write_bytes(content)
            (folder / "made" / "versions.json").write_text('{"runs": ["0123"], "metric": "NDCG@10"}')

        def again(folder: Path) -> str:
            from upsr_core.comparison.export import exported

            return str(exported(folder / "made"))

        return [
            Case(f"run/{name}", load, "0123", prepare=run_there),
            Case(f"exported/{name}", again, "made", prepare=exported_there),
        ]

    def asked(run_id: str) -> Callable[[Path], str]:
        def act(folder: Path) -> str:
            from upsr_core.runs.run import load_run

            return load_run(run_id).title

        return act

    def record(text: str) -> Case:
        def prepare(folder: Path) -> None:
            (folder / "made").mkdir()
            (folder / "made" / "versions.json").write_text(text)

        def act(folder: Path) -> str:
            from upsr_core.comparison.export import exported

            return str(exported(folder / "made"))

        return Case(f"exported/record {text[:20]!r}", act, "made", prepare=prepare)

    ids = ["", "nothing", "../../etc", "/etc/passwd", "*", "a\0b", "0" * 5000, "<script>", "-1"]
    paths = '{"runs": ["../../../etc/passwd"], "metric": "NDCG@10"}'
    return [
        *(case for name, text in texts.items() for case in of(name, text)),
        *(Case(f"run/id {n}", asked(run_id), "run") for n, run_id in enumerate(ids)),
        *map(record, ["[]", "null", '{"runs": 3}', '{"runs": [null], "metric": 1}', paths, DEEP]),
    ]


def language_models() -> list[Case]:
    """Folders as a stranger may send them: nothing in them is run, and pickles are never read."""
    t5 = {"model_type": "t5", "vocab_size": 8, "d_model": 8}

    def of(name: str, files: dict[str, str | bytes], use: str, says: str) -> Case:
        def prepare(folder: Path) -> None:
            (folder / "model").mkdir()
            for file, content in files.items():
                (folder / "model" / file).write_bytes(content if isinstance(content, bytes) else content.encode())

        def act(folder: Path) -> str:
            from upsr_core.plm import loading

            return str(getattr(loading, use)(str(folder / "model")))

        return Case(f"model/{name}", act, says, prepare=prepare)

    def named(text: str) -> Case:
        def act(folder: Path) -> str:
            from upsr_core.plm import loading

            return str(loading.locate(text))

        return Case(f"model/named {text[:20]!r}", act, "model|hub id")

    code = "raise SystemExit('the code of a stranger ran')\n"
    config = json.dumps(t5 | {"auto_map": {"AutoModel": "evil.Evil", "AutoTokenizer": ["evil.Evil", None]}})
    bert = json.dumps({"model_type": "bert", "auto_map": {"AutoModel": "evil.Evil"}})
    tokenizer = '{"version": "1.0", "model": {"type": "WordLevel", "vocab": {}, "unk_token": "x"}}'
    torch_file = b"\x80\x02}q\x00."
    return [
        of("no files", {}, "locate", "config.json"),
        *(of(f"configuration {text[:12]!r}", {"config.json": text}, "locate", "config.json") for text in ("", "no JSON", "[]", "null", "7", "{}", DEEP)),
        of("configuration not UTF-8", {"config.json": b"\xff\xfe"}, "locate", "config.json"),
        of("another kind", {"config.json": '{"model_type": "llama"}'}, "locate", "llama"),
        of("kind as a list", {"config.json": '{"model_type": ["t5"]}'}, "locate", "config.json"),
        of("no weights", {"config.json": config}, "weights_digest", "safetensors"),
        of("weights as a pickle", {"config.json": config, "pytorch_model.bin": torch_file}, "load_model", "safetensors.*(never read|Pickles)"),
        of("encoder as a pickle", {"config.json": bert, "pytorch_model.bin": torch_file}, "load_encoder", "safetensors.*(never read|Pickles)"),
        of("weights of noise", {"config.json": config, "model.safetensors": b"\x10\0\0\0\0\0\0\0" + b"x" * 50}, "load_model", "cannot be read"),
        of("weights that claim much", {"config.json": config, "model.safetensors": b"\xff" * 8 + b"{}"}, "load_model", "cannot be read"),
        of("weights of another shape", {"config.json": config, "model.safetensors": b"\x02\0\0\0\0\0\0\0{}"}, "load_model", "cannot be read|lacks"),
        of("code beside the tokenizer", {"config.json": bert, "evil.py": code, "tokenizer_config.json": config}, "load_text_tokenizer", "tokenizer"),
        *(of(f"tokenizer {text[:12]!r}", {"config.json": config, "tokenizer.json": text}, "load_tokenizer", "tokenizer") for text in ("", "{}", "no JSON", DEEP, tokenizer)),
        of("tokenizer not UTF-8", {"config.json": config, "tokenizer.json": b"\xff\xfe"}, "load_tokenizer", "tokenizer"),
        of("pieces of noise", {"config.json": config, "spiece.model": b"\xff\x00noise"}, "load_tokenizer", "tokenizer"),
        of("no tokenizer", {"config.json": config}, "load_tokenizer", "tokenizer"),
        *map(named, ["", " ", "/nowhere", "~nobody/x", "../x/y", "a/b/c", "http://127.0.0.1:9/x", "a\0b", "\ud800", "x" * 5000, "<script>", "owner/../..", "-x/y"]),
    ]  # fmt: skip


def cases() -> list[Case]:
    return [*designs(), *mappings(), *saved_designs(), *run_specs(), *language_models()]
