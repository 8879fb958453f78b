"""The studio: `streamlit run app/main.py`. Navigation only; each page is a file in `pages`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # Streamlit puts the folder of this file there, not the repository
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402

from app.components import readable_on_primary, show_error, show_notices  # noqa: E402
from upsr_core.logs import explained  # noqa: E402

st.set_page_config(page_title="UPSR Studio", page_icon=":material/format_list_numbered:", layout="wide")

PAGES = (
    ("data", "Data", ":material/database:"),
    ("item_text", "Item text", ":material/match_word:"),
    ("prompts", "Prompts", ":material/subject:"),
    ("indicators", "Indicators", ":material/speed:"),
    ("trials", "Trials", ":material/science:"),
    ("users", "Users", ":material/person_search:"),
    ("compare", "Compare", ":material/compare_arrows:"),
    ("paper", "Paper", ":material/article:"),
)

page = st.navigation(
    [
        st.Page(ROOT / "pages" / f"{name}.py", title=title, icon=icon, url_path=name, default=name == "data")
        for name, title, icon in PAGES
    ],
    position="top",
)
show_notices()
readable_on_primary()
try:
    page.run()
except Exception as error:  # of ours, of the system, or one that nobody foresaw: always said in words
    show_error(explained(f"page {page.title}", error))
