// What has happened? Episodes and reports, and the button that asks for a report.

import { ask, key, Unanswered } from "../api.js";
import { ago, now } from "../clock.js";
import { byId, h, name, redraw } from "../dom.js";
import { duration, when } from "../format.js";
import { icon } from "../icons.js";
import { kind, severity } from "../words.js";

export function drawEpisodes({ episodes, reports, monitor }) {
  redraw(byId("episodes"), [episodes, reports, Boolean(key.get())], () => {
    if (!episodes?.length) {
      return h(
        "p",
        { class: "empty" },
        monitor?.last_round
          ? "None. An episode opens when a verdict asks for attention, and closes when it is over."
          : "None yet: the monitor has not run.",
      );
    }
    return h(
      "ol",
      { class: "episodes" },
      episodes.map((episode) => h("li", {}, episodeItem(episode, reports ?? []))),
    );
  });
}

function episodeItem({ opened, resolved, kind: what, severity: level, reasons, report }, reports) {
  const { tone, short } = severity(level);
  const start = Date.parse(opened);
  const length = resolved ? duration((Date.parse(resolved) - start) / 1000) : ago(opened, "");
  return h(
    "article",
    { class: "episode-item" },
    h(
      "p",
      { class: "episode-head" },
      icon(tone, 18),
      h("strong", {}, name(sentence(kind(what).short))),
      h("span", { class: "soft" }, "· ", name(short)),
    ),
    h(
      "p",
      { class: "soft" },
      h("time", { datetime: opened }, when(start, now())),
      resolved
        ? [" to ", h("time", { datetime: resolved }, when(Date.parse(resolved), start)), " (", length, ")"]
        : [" to now (", length, "), ", h("strong", { class: "open" }, "still open")],
    ),
    reasons?.length > 0 &&
      h(
        "ul",
        { class: "reasons" },
        reasons.map((reason) => h("li", { dir: "auto" }, reason)),
      ),
    report &&
      h(
        "p",
        {},
        reportLink(
          reports.find((each) => each.id === report) ?? { id: report, state: "made" },
          "Report of this episode",
          "episode-",
        ),
      ),
  );
}

export function drawReports({ reports }) {
  redraw(byId("reports"), [reports, Boolean(key.get())], () =>
    reports?.length
      ? h(
          "ul",
          { class: "reports" },
          reports.map((report) =>
            h(
              "li",
              {},
              reportLink(report, `Report of ${when(Date.parse(report.made ?? report.asked), now())}`),
              report.episode && h("span", { class: "soft" }, " · for an episode"),
            ),
          ),
        )
      : h("p", { class: "empty" }, "None yet. One is made whenever an episode opens, or when you ask."),
  );
}

function reportLink({ id, state, asked }, words, prefix = "") {
  if (state === "waiting")
    return h("span", { class: "waiting" }, icon("unknown", 16), "Being made", asked && [", asked for ", ago(asked)]);
  if (state === "failed") return h("span", { class: "waiting" }, icon("failed", 16), `${words} could not be made`);
  const href = `/reports/${encodeURIComponent(id)}`;
  // A link cannot carry the key, so where one is needed the report is fetched with it and saved.
  const save = key.get()
    ? (event) => {
        event.preventDefault();
        download(href, id);
      }
    : null;
  return h("a", { href, "data-key": `${prefix}report-${id}`, click: save }, words);
}

async function download(href, id) {
  try {
    const response = await ask(href, { accept: "text/html" });
    const address = URL.createObjectURL(await response.blob());
    h("a", { href: address, download: `bertwatch-report-${id}.html` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    say("The report was saved in your downloads.");
  } catch (error) {
    say(error instanceof Unanswered ? error.message : "The report could not be read.");
  }
}

const say = (words) => byId("report-said").replaceChildren(words);

// `refresh` asks for the status at once, so that the waiting report appears.
export function listenForReports(refresh) {
  const button = byId("ask-report");
  button.addEventListener("click", async () => {
    button.setAttribute("aria-disabled", "true");
    if (button.dataset.busy) return;
    button.dataset.busy = "yes";
    say("Asking …");
    try {
      await ask("/reports", { method: "POST" });
      say("Asked for. It appears below as soon as the monitor has made it.");
      await refresh();
    } catch (error) {
      say(`No report: ${error.message}`);
    } finally {
      delete button.dataset.busy;
      button.removeAttribute("aria-disabled");
    }
  });
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
