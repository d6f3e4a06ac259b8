"""Boards as Grafana's JSON, by grafana-foundation-sdk: the defaults of every panel are stamped here, once.

Knows nothing of what a panel means. The SDK is a development dependency; what it leaves out is put right at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.panels import GRID, Board, Panel, Section
from dashboards.queries import ANNOTATIONS, QUERIES, VARIABLES

SCHEMA = 39
"""Imports into every Grafana from 11 on; the SDK's own 42 does not."""
TAG = "bertwatch"
SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
REPORTS = "${service:raw}/#happened"
"""The status page's list of reports; a report itself is named by a random id, which no metric holds."""
LABELS = {"job": "Job", "model_version": "Model version", "instance": "Replica"}
ANNOTATION_COLORS = ("blue", "super-light-blue", "purple", "orange")

Builder = Any
"""The panel builders of the SDK share their methods, but no type."""


def rendered(board: Board) -> str:
    """The JSON text of a board: the same bytes for the same board."""
    built = json.loads(json.dumps(_dashboard(board).build(), cls=JSONEncoder))
    return json.dumps(_put_right(built), indent=1, ensure_ascii=False) + "\n"


def _put_right(built: dict[str, Any]) -> dict[str, Any]:
    built["schemaVersion"] = SCHEMA
    built["id"] = None
    for shown in (*built["links"], *built["annotations"]["list"]):
        del shown["placement"]  # a menu of newer Grafanas, where nobody looks
    for panel in built["panels"]:
        panel.pop("repeatDirection", None)
        for link in panel.get("links", ()):
            del link["placement"]
    return built


def _dashboard(board: Board) -> Builder:
    link = dashboard.DashboardLink("bertwatch").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .timezone("browser")
        .time(board.since, "now")
        .refresh("1m")
        .link(link.include_vars(True).keep_time(True))
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    )
    for variable in _variables(board):
        made = made.with_variable(variable)
    for (name, query), color in zip(ANNOTATIONS.items(), ANNOTATION_COLORS, strict=True):
        note = dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(color)
        made = made.annotation(note.expr(query.expr).step("60s").title_format(name).text_format(query.legend))
    top = 0
    for section in board.sections:
        row = dashboard.Row(section.title).id(section.id).grid_pos(model.GridPos(h=1, w=GRID, x=0, y=top))
        made = made.with_row(row.repeat("model_version") if section.each_version else row)
        for panel, place in placed(section, top + 1):
            made = made.with_panel(_panel(panel).grid_pos(place))
            top = place.y + place.h
    return made


def _variables(board: Board) -> Iterator[Builder]:
    everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    for name in board.variables:
        if name == "service":
            address = dashboard.TextBoxVariable(name).label("Service").default_value("http://localhost:8000")
            yield address.description("Address of bertwatch as your browser reaches it, for links to reports.")
            continue
        variable = dashboard.QueryVariable(name).label(LABELS[name]).datasource(SOURCE)
        yield (
            variable.query(VARIABLES[name])
            .definition(VARIABLES[name])
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.ALPHABETICAL_ASC)
            .multi(True)
            .include_all(True)
            .all_value(".+")
            .current(everything)
        )


def placed(section: Section, top: int) -> Iterator[tuple[Panel, model.GridPos]]:
    """Panels from left to right, in lines as high as their highest panel."""
    left = height = 0
    for panel in section.panels:
        if left + panel.width > GRID:
            top, left, height = top + height, 0, 0
        yield panel, model.GridPos(h=panel.height, w=panel.width, x=left, y=top)
        left, height = left + panel.width, max(height, panel.height)


def _panel(panel: Panel) -> Builder:
    made = _KINDS[panel.kind](panel)
    steps = [model.Threshold(value=value, color=color) for value, color in panel.steps]
    made = (
        made.id(panel.id)
        .title(panel.title)
        .description(panel.description)
        .datasource(SOURCE)
        .unit(panel.unit)
        .no_value(panel.empty)
        .color_scheme(dashboard.FieldColor().mode(_COLORS[panel.kind]))
        .thresholds(dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
    )
    for name, value in (("decimals", panel.decimals), ("min", panel.low), ("max", panel.high)):
        if value is not None:
            made = getattr(made, name)(value)
    if panel.words:
        words = {str(value): model.ValueMappingResult(text=text, color=color) for value, text, color in panel.words}
        made = made.mappings([model.ValueMap(options=words)])
    if panel.report:
        reports = dashboard.DashboardLink("Drift reports").type(model.DashboardLinkType.LINK).url(REPORTS)
        made = made.links([reports.target_blank(True)])
    for letter, name in zip("ABCDEFGH", panel.queries, strict=False):
        made = made.with_target(_target(panel, letter, name))
    return made


def _target(panel: Panel, letter: str, name: str) -> Builder:
    query = QUERIES[name]
    target = prometheus.Dataquery().ref_id(letter).datasource(SOURCE).expr(query.expr).legend_format(query.legend)
    target = target.instant() if panel.kind in ("number", "name") else target.range()
    return target.format(PromQueryFormat(query.format)).exemplar(query.exemplars and panel.kind in ("lines", "heat"))


def _number(panel: Panel) -> Builder:
    made = stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    made = made.graph_mode(options.BigValueGraphMode.NONE).color_mode(options.BigValueColorMode.VALUE)
    alone = len(panel.queries) == 1
    return made.text_mode(options.BigValueTextMode.AUTO if alone else options.BigValueTextMode.VALUE_AND_NAME)


def _name(_: Panel) -> Builder:
    made = stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    made = made.graph_mode(options.BigValueGraphMode.NONE).color_mode(options.BigValueColorMode.VALUE)
    return made.text_mode(options.BigValueTextMode.NAME)


def _lines(panel: Panel) -> Builder:
    made = timeseries.Panel().line_width(2).fill_opacity(0).show_points(options.VisibilityMode.AUTO)
    made = made.legend(_legend()).tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
    if len(panel.steps) > 1:
        style = common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.LINE)
        made = made.thresholds_style(style)
    if panel.band:
        thin = [
            _property("custom.lineWidth", 1),
            _property("custom.lineStyle", {"fill": "dash", "dash": [4, 4]}),
            _property("color", {"mode": "fixed", "fixedColor": "light-blue"}),
        ]
        filled = [*thin, _property("custom.fillBelowTo", "low"), _property("custom.fillOpacity", 15)]
        made = made.override_by_name("high", filled).override_by_name("low", thin)
    return made


def _stack(panel: Panel) -> Builder:
    stacking = common.StackingConfig().mode(options.StackingMode.NORMAL).group("A")
    return _lines(panel).line_width(1).fill_opacity(30).stacking(stacking)


def _heat(panel: Panel) -> Builder:
    color = heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Blues").steps(32).exponent(0.5)
    made = heatmap.Panel().calculate(False).color(color).y_axis(heatmap.YAxisConfig().unit(panel.unit))
    return made.cell_gap(1).show_legend()


def _states(_: Panel) -> Builder:
    made = statetimeline.Panel().merge_values(True).show_value(options.VisibilityMode.NEVER)
    return made.line_width(0).fill_opacity(80).row_height(0.8).legend(_legend())


def _legend() -> Builder:
    legend = common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM)
    return legend.display_mode(options.LegendDisplayMode.LIST).calcs([])


def _property(name: str, value: object) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val=name, value=value)


_COLORS = dict.fromkeys(("number", "name", "states", "heat"), model.FieldColorModeId.THRESHOLDS) | dict.fromkeys(
    ("lines", "stack"), model.FieldColorModeId.PALETTE_CLASSIC
)
_KINDS: dict[str, Callable[[Panel], Builder]] = {
    "number": _number,
    "name": _name,
    "lines": _lines,
    "stack": _stack,
    "heat": _heat,
    "states": _states,
}
