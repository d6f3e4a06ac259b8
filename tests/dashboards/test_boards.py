"""The committed dashboards are fresh, and keep rules of our own; those of Grafana's linter stand in test_linter.py."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from dashboards.build import BOARDS, HERE, generated
from dashboards.grafana import REPORTS, SCHEMA
from dashboards.queries import QUERIES
from tests.dashboards.expressions import ROOT

FILES = [path for path in generated() if path.parts[0] == "generated"]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def load(path: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((HERE / path).read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(params=FILES, ids=str)
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    return load(request.param)


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def test_every_generated_file_is_fresh_and_no_other_stands_beside_it():
    for path, text in generated().items():
        assert (HERE / path).read_text(encoding="utf-8") == text, "run: .venv/bin/python -m dashboards.build"
    assert {path.relative_to(HERE) for path in HERE.glob("generated/*")} == set(FILES)


def test_a_form_that_grafana_11_to_13_import(board):
    """Schema 39 has no `placement`; a new dashboard has id null; ids and uids are there."""
    assert board["schemaVersion"] == SCHEMA == 39
    assert board["id"] is None
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", board["uid"])
    assert "placement" not in json.dumps(board["links"]) + json.dumps(board["annotations"])
    assert "inControlsMenu" not in json.dumps(board)
    assert board["editable"] is False
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0


def test_the_boards_are_linked_to_each_other(board):
    assert [(link["type"], link["tags"], link["includeVars"], link["keepTime"]) for link in board["links"]] == [
        ("dashboards", ["bertwatch"], True, True)
    ]
    assert board["tags"] == ["bertwatch"]


def test_ids_do_not_change_from_one_board_to_another():
    """A panel that two boards share has the same id and title on both."""
    titles: dict[int, set[str]] = {}
    for path in FILES:
        for panel in load(path)["panels"]:
            titles.setdefault(panel["id"], set()).add(panel["title"])
    assert [names for names in titles.values() if len(names) > 1] == []


def test_variables(board):
    """One data source, and each query variable offers all, several, and reads anew when the time changes."""
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert {"datasource", "job", "model_version"} <= set(variables)
    for variable in variables.values():
        assert variable["label"]
        if variable["type"] == "query":
            assert variable["datasource"] == SOURCE
            assert (variable["refresh"], variable["multi"], variable["includeAll"]) == (2, True, True)
            assert variable["allValue"] == ".+"
            assert variable["query"] == variable["definition"]
    used = set(
        re.findall(r"\$\{?([a-z]\w*)", json.dumps([board["panels"], board["annotations"], list(variables.values())]))
    )
    assert used == set(variables), "a variable that is used must be there, and the other way round"


def test_annotations(board):
    notes = {note["name"]: note for note in board["annotations"]["list"]}
    assert set(notes) == {"Deploys of a model", "Deploys of a build", "Changes of the baseline", "Episodes"}
    for note in notes.values():
        assert note["datasource"] == SOURCE
        assert note["enable"]
        assert note["expr"]


def test_every_panel_says_what_it_is(board):
    """Title, description, unit, thresholds, a text for no data yet, the data source of the variable."""
    for panel in panels(board):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]
        assert defaults["thresholds"]["steps"][0]["value"] is None, panel["title"]
        values = [step["value"] for step in defaults["thresholds"]["steps"][1:]]
        assert values == sorted(set(values)), panel["title"]
        assert panel["datasource"] == SOURCE, panel["title"]
        assert panel["targets"], panel["title"]


def test_no_title_stands_twice(board):
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(titles)) == len(titles)


def test_numbers_say_which_value_they_show(board):
    for panel in panels(board):
        if panel["type"] == "stat":
            assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"], panel["title"]


def test_states_have_words(board):
    for panel in panels(board):
        if panel["type"] == "state-timeline":
            assert panel["fieldConfig"]["defaults"]["mappings"], panel["title"]


def test_series_that_stand_together_have_a_legend(board):
    for panel in panels(board):
        for target in panel["targets"]:
            assert target["legendFormat"], panel["title"]
        if panel["type"] in ("timeseries", "state-timeline"):
            assert panel["options"]["legend"]["showLegend"], panel["title"]
            names = [target["legendFormat"] for target in panel["targets"]]
            assert len(set(names)) == len(names), panel["title"]


def test_queries_of_a_panel_have_letters_of_their_own(board):
    for panel in panels(board):
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


def test_single_predictions_are_shown_beside_percentiles_and_spreads(board):
    """As exemplars, by their ids, once a panel."""
    for panel in panels(board):
        shown = [target for target in panel["targets"] if target["exemplar"]]
        wanted = panel["type"] == "heatmap" or (
            panel["type"] == "timeseries" and QUERIES["predict_p99"].expr in {each["expr"] for each in panel["targets"]}
        )
        assert len(shown) == int(wanted), panel["title"]


def test_instant_where_one_number_is_shown_and_over_time_elsewhere(board):
    for panel in panels(board):
        for target in panel["targets"]:
            assert target["instant"] == (panel["type"] == "stat"), panel["title"]
            assert target["range"] != target["instant"]
            assert target["format"] == ("heatmap" if panel["type"] == "heatmap" else "time_series")


def test_nothing_overlaps_and_nothing_hangs_over(board):
    places = [panel["gridPos"] for panel in board["panels"]]
    for place in places:
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_lines_of_panels_are_full(board):
    """No hole in the grid: in each line the widths add up to 24."""
    lines: dict[int, int] = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        lines[place["y"]] = lines.get(place["y"], 0) + place["w"]
    assert set(lines.values()) == {24}


def test_panels_of_drift_lead_to_the_reports(board):
    """Whatever shows scores, states of checks or an open episode leads to the list of reports on the status page."""
    asked = {"drift", "drift_worst", "checks_in_drift", "check_state", "episode"}
    of_drift = {QUERIES[name].expr for name in asked}
    for panel in panels(board):
        if of_drift & {target["expr"] for target in panel["targets"]}:
            assert [link["url"] for link in panel["links"]] == [REPORTS], panel["title"]
    page = (ROOT / "service/pages/index.html").read_text(encoding="utf-8")
    assert f'id="{REPORTS.partition("#")[2]}"' in page


def test_bands_stand_where_versions_cannot_mix(board):
    """Grafana fills to a series by its name, so a band needs one version a panel: a row repeated for each."""
    repeated = False
    for panel in board["panels"]:
        if panel["type"] == "row":
            repeated = panel.get("repeat") == "model_version"
            continue
        filled = "custom.fillBelowTo" in json.dumps(panel["fieldConfig"]["overrides"])
        names = {target["legendFormat"] for target in panel["targets"]}
        assert filled == ({"low", "high"} <= names), panel["title"]
        assert repeated or not filled, panel["title"]


def test_the_overview_answers_in_the_order_in_which_an_engineer_asks():
    rows = [panel["title"] for panel in load(FILES[0])["panels"] if panel["type"] == "row"]
    assert rows[:5] == [
        "Is it up, is it fast?", "Is it right?", "Has something changed?", "Is somebody watching?", "What runs?",
    ]  # fmt: skip
    assert BOARDS[0].file == "overview.json"
