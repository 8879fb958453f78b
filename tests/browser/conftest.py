"""The studio in a real browser: one server on a home folder of its own, one Chromium."""

from pathlib import Path

import pytest
from running import ARGUMENTS, chromium_path, running_studio


@pytest.fixture(scope="session")
def chromium():
    path = chromium_path()
    if not path:
        pytest.skip("no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser_home(tmp_path_factory) -> Path:
    """The home folder of the running studio."""
    return tmp_path_factory.mktemp("browser-home")


@pytest.fixture(scope="session")
def server(tmp_path_factory, browser_home):
    """The address of a running studio."""
    with running_studio(browser_home, tmp_path_factory.mktemp("browser-log") / "server.txt") as (address, _):
        yield address


@pytest.fixture(scope="session")
def shots(tmp_path_factory) -> Path:
    """Where screenshots go."""
    return tmp_path_factory.mktemp("screenshots")
