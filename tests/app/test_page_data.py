import gzip

from pages_common import tables, texts

from upsr_core.datasets.store import list_datasets, load_dataset


def open_import(studio, items, events):
    at = studio("data")
    at.segmented_control(key="data_view").set_value("Import").run()
    at.text_input(key="path_items").set_value(str(items))
    at.text_input(key="path_events").set_value(str(events)).run()
    assert not at.exception
    return at


def test_the_sample_is_chosen_and_described(studio):
    at = studio("data")
    data = load_dataset("sample:movies")
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown["Users"] == f"{len(data.users):,}" and shown["Interactions"] == f"{len(data.sequence):,}"
    assert "seeded generator" in texts(at)
    steps = at.dataframe[0].value
    assert steps.interactions.iloc[-1] == len(data.sequence)
    assert at.query_params["dataset"] == "sample:movies"


def test_another_dataset_and_a_search(studio):
    at = studio("data", dataset="sample:pantry")
    assert at.selectbox[0].value == "sample:pantry"
    at.text_input(key="browse").set_value("zzzz-nothing").run()
    assert f"0 items of {len(load_dataset('sample:pantry').items):,} in the dataset" in texts(at)
    first = load_dataset("sample:pantry").items.item_id[0]
    at.text_input(key="browse").set_value(first.lower()).run()
    assert first in at.dataframe[-1].value.item_id.tolist()


def test_import_with_a_corrected_mapping(studio, tmp_path):
    items, events = tables(tmp_path)
    at = open_import(studio, items, events)
    user = next(box for box in at.selectbox if box.label == "User")
    assert user.value == "not recognised: choose"
    user.set_value("who")
    next(box for box in at.selectbox if box.label == "Time").set_value("when")
    at.text_input(key="import_name").set_value("pens").run()
    at.button(key="import_start").click().run()
    assert not at.exception and not at.error
    data = load_dataset("pens")
    assert len(data.users) == 30 and data.timestamps is not None
    assert at.query_params["dataset"] == "pens"


def test_the_import_says_what_is_still_to_be_chosen(studio, tmp_path):
    items, events = tables(tmp_path)
    at = open_import(studio, items, events)
    assert at.button(key="import_start").disabled
    assert "choose the column of User and give the dataset a name" in texts(at)
    next(box for box in at.selectbox if box.label == "User").set_value("who").run()
    at.text_input(key="import_name").set_value("pens").run()
    assert not at.button(key="import_start").disabled and "To import" not in texts(at)


def test_a_file_in_another_code_page_is_named_before_it_is_imported(studio, tmp_path):
    items, events = tables(tmp_path)
    items.write_bytes(items.read_text().replace("Zyqor", "Dürer & Söhne").encode("cp1252"))
    at = open_import(studio, items, events)
    assert "read as Windows-1252" in at.warning[0].value and not at.exception
    assert any("Dürer & Söhne" in frame.value.astype(str).to_numpy() for frame in at.dataframe)


def test_thresholds_that_leave_nothing_say_so(studio, tmp_path):
    items, events = tables(tmp_path)
    at = open_import(studio, items, events)
    next(box for box in at.selectbox if box.label == "User").set_value("who")
    at.text_input(key="import_name").set_value("pens")
    at.number_input(key="min_user").set_value(500).run()
    at.button(key="import_start").click().run()
    assert "Nothing is left" in at.error[0].value and not at.exception
    assert "pens" not in [entry["name"] for entry in list_datasets()]


def test_bad_files_are_one_clear_box(studio, tmp_path):
    items, events = tables(tmp_path)
    damaged = tmp_path / "log.tsv.gz"
    damaged.write_bytes(gzip.compress(events.read_bytes() * 50)[:200])
    binary = tmp_path / "x.bin"
    binary.write_bytes(bytes(range(256)) * 40)
    for bad in (damaged, binary, tmp_path / "missing.tsv", tmp_path):
        at = open_import(studio, items, bad)
        assert len(at.error) == 1 and not at.exception, bad
        assert str(tmp_path.name) in at.error[0].value.replace("\\", "")
    swapped = open_import(studio, events, items)
    assert any("exchanged" in warning.value for warning in swapped.warning) or swapped.error


def test_a_dataset_can_be_deleted_and_the_sample_cannot(studio, tmp_path, movies):
    from upsr_core.datasets.importing import import_dataset

    items, events = tables(tmp_path)
    mapping = {"user_id": "who", "item_id": "item_id", "timestamp": "when"}
    from upsr_core.datasets.spec import ColumnMapping

    import_dataset("pens", items, events, event_mapping=ColumnMapping(**mapping))
    at = studio("data", dataset="pens")
    at.button(key="delete_dataset").click().run()
    assert "pens" not in [entry["name"] for entry in list_datasets()] and not at.exception
    assert at.selectbox[0].value == "sample:movies"


def test_import_by_upload(studio, tmp_path):
    items, events = tables(tmp_path)
    renamed = events.read_bytes().replace(b"who\t", b"user_id\t").replace(b"\twhen", b"\ttimestamp")
    at = studio("data")
    at.segmented_control(key="data_view").set_value("Import").run()
    at.segmented_control(key="import_way").set_value("Upload").run()
    at.file_uploader(key="upload_items").set_value(("catalogue.csv", items.read_bytes(), "text/csv"))
    at.file_uploader(key="upload_events").set_value(("log.tsv", renamed, "text/tab-separated-values")).run()
    at.text_input(key="import_name").set_value("sent").run()
    at.button(key="import_start").click().run()
    assert not at.exception and not at.error
    data = load_dataset("sent")
    assert len(data.users) == 30 and data.attributes == ("title", "workshop")


def test_the_tour_leads_over_the_pages_until_there_is_a_trial(studio, finished_run):
    at = studio("data")
    (tour,) = [element for element in at.expander if element.label.startswith("New here?")]
    assert tour.proto.expanded and len(tour.get("page_link")) == 5
    finished_run(0.3)
    (tour,) = [element for element in studio("data").expander if element.label.startswith("New here?")]
    assert not tour.proto.expanded
