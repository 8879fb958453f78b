import json

import pytest
from typer.testing import CliRunner

from upsr_core.cli.main import app
from upsr_core.errors import RunError
from upsr_core.explain.explanation import explain
from upsr_core.explain.instance import instance_of
from upsr_core.runs.user_ranking import find_user


def invoke(*arguments):
    result = CliRunner().invoke(app, ["explain", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_command_says_what_python_says(runs, user):
    run = runs["perplexity"]
    ids = instance_of(run, find_user(run.spec.dataset.load(), user)).candidates.item_id
    result = invoke(run.id, "--user", user, "--candidates", ids[4], ids[9], "--json")
    record = json.loads(result.stdout.splitlines()[-1])
    expected = explain(run, user, ids[4], ids[9])
    assert record["a"] == ids[4] and record["b"] == ids[9]
    assert record["lead"] == pytest.approx(expected.lead)
    assert [row["attribute"] for row in record["difference"]] == expected.difference.attribute.tolist()
    assert "wording" in result.stdout and "Parts sum to the scores" in result.stdout
    assert "exact" in result.stdout


def test_a_model_of_items_is_explained_by_its_history(runs, user):
    assert "no sum over the tokens" in invoke(runs["popularity"].id, "--user", user).stdout


def test_an_unknown_item_is_named(runs, user):
    with pytest.raises(RunError, match="no item 'x'"):
        invoke(runs["perplexity"].id, "--user", user, "--candidates", "x", "y")
