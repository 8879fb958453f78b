"""A figure as files. Plotly draws it in a browser, so what needs one is made where a Chromium is at hand.

Plotly's own way to a file, kaleido, starts a Chrome too, and matplotlib would draw each figure a second time. The page
that is always written draws itself in the browser of whoever opens it and has buttons for PNG and SVG.
"""

import base64
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote

import plotly.graph_objects as go

WIDTH = 900
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 60
_BUTTONS = """
const figure = document.getElementById('{plot_id}'), size = {width: WIDTH, height: HEIGHT, scale: 2};
for (const format of ['png', 'svg']) {
  const button = document.createElement('button');
  button.textContent = 'Save as ' + format.toUpperCase();
  button.onclick = () => Plotly.downloadImage(figure, {format, filename: 'figure', ...size});
  document.body.append(button, ' ');
}
"""
_PRINT = """
const figure = document.getElementById('{plot_id}'), size = {width: WIDTH, height: HEIGHT, scale: 2};
(async () => {
  for (const format of ['svg', 'png']) {
    const kept = document.createElement('pre');
    kept.textContent = 'BEGIN-' + format + await Plotly.toImage(figure, {format, ...size}) + 'END';
    document.body.append(kept);
  }
})();
"""


def write_figure(figure: go.Figure, folder: Path, name: str = "figure") -> tuple[list[Path], str]:
    """Write `name.html`, and `name.svg` and `name.png` where a Chromium draws them.

    Returns the files written, and why images are missing; empty where none is.
    """
    page = folder / f"{name}.html"
    page.write_text(_page(figure, _BUTTONS), encoding="utf-8")
    files = [page]
    images, missing = _images(figure)
    for kind, content in images.items():
        (folder / f"{name}.{kind}").write_bytes(content)
        files.append(folder / f"{name}.{kind}")
    return files, missing


def browser() -> str | None:
    """The path of a Chromium: CHROMIUM of the environment, or one on the path."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def _page(figure: go.Figure, script: str) -> str:
    script = script.replace("WIDTH", str(WIDTH)).replace("HEIGHT", str(figure.layout.height or 450))
    light = go.Figure(figure).update_layout(template="plotly_white", width=WIDTH)
    return light.to_html(include_plotlyjs=True, full_html=True, post_script=script, config={"displayModeBar": False})


def _images(figure: go.Figure) -> tuple[dict[str, bytes], str]:
    """The figure as SVG and PNG, and why one of them is missing."""
    program = browser()
    if program is None:
        return {}, "no Chromium was found; CHROMIUM of the environment can name one"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = Path(folder) / "page.html"
        page.write_text(_page(figure, _PRINT), encoding="utf-8")
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            f"--user-data-dir={folder}/profile", "--virtual-time-budget=15000", "--dump-dom", page.as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except OSError as error:
            return {}, f"{program} cannot be started: {error.strerror}"
        except subprocess.TimeoutExpired:
            return {}, f"{program} did not answer within {SECONDS} seconds"
    shown, images = done.stdout.decode("utf-8", "replace"), {}
    for kind in ("svg", "png"):
        mark = f"BEGIN-{kind}data:"
        place = shown.rfind(mark)
        end = shown.find("END<", place)
        if place < 0 or end < 0:
            continue
        head, data = shown[place + len(mark) : end].split(",", 1)
        data = data.replace("&amp;", "&")
        images[kind] = base64.b64decode(data) if "base64" in head else unquote(data).encode("utf-8")
    return images, "" if len(images) == 2 else f"{program} ended with {done.returncode} and did not draw it"
