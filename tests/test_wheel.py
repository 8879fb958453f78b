"""The wheel outside any clone: what lies in it, what it declares, the command, one trial, the studio with a page.

Here its dependencies are those of the running environment; `make wheel` downloads them (UPSR_WHEEL_FROM_REGISTRY).
"""

import ast
import json
import os
import sys
import zipfile
from importlib.metadata import Distribution, packages_distributions, version
from pathlib import Path

import psutil
import pytest
from installed_wheel import ROOT, Environment, build_wheel, install
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FROM_REGISTRY = bool(os.environ.get("UPSR_WHEEL_FROM_REGISTRY"))
COMES_WITH = {"distributed": "dask"}  # a part of `dask[distributed]` under a name of its own


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Environment:
    return install(wheel, tmp_path_factory.mktemp("installed"), FROM_REGISTRY)


@pytest.fixture(scope="module")
def names(wheel) -> list[str]:
    """The files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def requirements(installed) -> list[Requirement]:
    """What the installed package says that it needs."""
    (metadata,) = installed.folder.glob("lib/python*/site-packages/upsr_studio-*.dist-info")
    return [Requirement(line) for line in Distribution.at(metadata).requires or ()]


def declared(requirements: list[Requirement], *extras: str) -> set[str]:
    """Names of the distributions that an installation with these extras brings."""
    return {
        canonicalize_name(requirement.name)
        for requirement in requirements
        if any(requirement.marker is None or requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    }


def imported(*folders: str) -> dict[str, set[str]]:
    """Distributions that the modules of these folders import anywhere, in functions too, with the modules."""
    providers = packages_distributions()
    found: dict[str, set[str]] = {}
    for file in (file for folder in folders for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                named = [str(node.module)]
            for top in {name.partition(".")[0] for name in named}:
                if top not in sys.stdlib_module_names and top not in ("upsr_core", "app"):
                    distribution = COMES_WITH.get(top) or providers.get(top, [top])[0]
                    found.setdefault(canonicalize_name(distribution), set()).add(str(file.relative_to(ROOT)))
    return found


def test_only_two_names_are_left_at_the_top_of_site_packages(names):
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"upsr_core", "upsr_studio"}


def test_what_lies_beside_the_code_is_in_the_wheel(names, wheel):
    kept = {name for name in names if not name.endswith(".py")}
    beside = {"upsr_core/py.typed", "upsr_studio/app/.streamlit/config.toml"}
    for folder in ("plm", "sample"):
        files = [file for file in (ROOT / "assets" / folder).rglob("*") if file.is_file()]
        assert len(files) > 10
        beside |= {f"upsr_core/assets/{file.relative_to(ROOT / 'assets').as_posix()}" for file in files}
    assert beside <= kept
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in kept)
    assert wheel.stat().st_size < 25e6, "a wheel over 25 MB: what was added?"


def test_every_module_is_in_the_wheel(names):
    for folder, place in (("upsr_core", "upsr_core"), ("app", "upsr_studio/app"), ("pages", "upsr_studio/pages")):
        for file in (ROOT / folder).rglob("*.py"):
            assert f"{place}/{file.relative_to(ROOT / folder).as_posix()}" in names, file


def test_what_is_imported_is_declared(requirements):
    core = imported("upsr_core")
    assert {"torch", "pandas", "ray"} <= set(core), "imports are found"
    undeclared = set(core) - declared(requirements, "cluster")
    assert not undeclared, {name: core[name] for name in undeclared}
    studio = imported("app", "pages")
    assert "streamlit" in studio and "streamlit" not in declared(requirements)
    undeclared = set(studio) - declared(requirements, "studio")
    assert not undeclared, {name: studio[name] for name in undeclared}


def test_what_it_was_tried_with_is_in_the_declared_ranges(requirements):
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {}
    for requirement in (Requirement(line) for line in lines if line and not line.startswith("#")):
        (pin,) = requirement.specifier
        assert pin.operator == "==", requirement
        pinned[canonicalize_name(requirement.name)] = pin.version
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name in declared(requirements, "studio"):
            assert pinned[name] in requirement.specifier, f"requirements.txt: {requirement}"
            assert FROM_REGISTRY or version(name) in requirement.specifier, f"installed here: {version(name)}"


def test_the_package_is_imported_from_the_new_environment(installed):
    program = "import upsr_core, upsr_core.runtime as r; print(upsr_core.__file__); print(r.ASSETS)"
    done = installed.run(str(installed.python), "-c", program)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert Path(line).is_relative_to(installed.folder) and not Path(line).is_relative_to(ROOT)


def test_the_command_says_what_there_is_and_where_benchmarks_are(installed):
    help_ = installed.run("upsr", "--help")
    assert help_.returncode == 0 and "studio" in help_.stdout and " bench " not in help_.stdout
    for words in (("bench",), ("bench", "likelihood", "--json"), ("plm", "build", "--out", "x")):
        done = installed.run("upsr", *words)
        assert done.returncode == 1 and "with a clone of the repository" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr


def test_a_trial_runs_at_smoke(installed):
    design = ("--dataset", "sample:movies", "--design", "title")
    done = installed.run("upsr", "run", *design, "--budget", "smoke", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (installed.cwd / "upsr-home" / "runs" / result["run"] / "result.json").is_file()
    assert any(name.startswith("NDCG@10 ") for name in result["metrics"])


def test_the_studio_listens_on_this_machine_alone_and_shows_a_page(installed):
    with installed.studio() as (process, port):
        # The address stands in .streamlit/config.toml, which therefore was found.
        listening = [c.laddr for c in psutil.Process(process.pid).net_connections() if c.status == psutil.CONN_LISTEN]
        assert ("127.0.0.1", port) in listening and {place.ip for place in listening} == {"127.0.0.1"}
    program = """
import sys
from importlib.util import find_spec
from pathlib import Path
from streamlit.testing.v1 import AppTest

folder = Path(find_spec("upsr_studio.app").origin).parents[1]
page = AppTest.from_file(str(folder / "app" / "main.py"), default_timeout=120).run()
page.switch_page(str(folder / "pages" / "item_text.py")).run()
assert not page.exception and not page.error, (page.exception, page.error)
print(sys.modules["app"].__file__)
print(" ".join(element.value for element in page.markdown))
"""
    done = installed.run(str(installed.python), "-c", program)
    assert done.returncode == 0, done.stderr
    origin, _, text = done.stdout.partition("\n")
    assert Path(origin).is_relative_to(installed.folder)
    assert "the prompt of 512 tokens holds" in text, "the page measured the sample"


def test_the_core_imports_without_streamlit(installed):
    program = """
import sys
from importlib import import_module
from pkgutil import walk_packages

class NoStreamlit:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0].startswith("streamlit"):
            raise ImportError(f"{name} is an extra")

sys.meta_path.insert(0, NoStreamlit())
try:
    import streamlit
    raise SystemExit("streamlit is not blocked")
except ImportError:
    pass
import upsr_core

names = [module.name for module in walk_packages(upsr_core.__path__, "upsr_core.")]
for name in names:
    if name != "upsr_core.__main__":  # it runs the command
        import_module(name)
print(len(names))
"""
    done = installed.run(str(installed.python), "-c", program)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 150
