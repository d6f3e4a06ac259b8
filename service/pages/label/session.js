// One person labelling: what is asked, answered, put aside, taken back. Knows neither the page nor the service:
// `fetchMore(count)` resolves to entries of GET /audit, `send(id, label)` resolves when the label is committed.

export const AT_ONCE = 20;

export function newSession({ fetchMore, send, changed, now }) {
  const asked = new Map();
  let queue = [];
  let done = []; // {id, label, at, how: "labelled" | "skipped"}, the newest last
  let state = "idle"; // "loading", "asking", "sending", "empty"
  let trouble = null;

  const current = () => (queue.length ? asked.get(queue[0]) : null);
  const skipped = () => [...asked.keys()].filter((id) => last(id)?.how === "skipped" && !queue.includes(id));
  const last = (id) => done.findLast((each) => each.id === id);
  const labels = () => new Map(done.filter((each) => each.how === "labelled").map((each) => [each.id, each]));

  function become(next) {
    state = next;
    changed();
  }

  async function load() {
    if (state === "loading" || state === "sending") return;
    trouble = null;
    become("loading");
    try {
      const entries = await fetchMore(AT_ONCE + skipped().length);
      for (const entry of entries) {
        if (asked.has(entry.prediction_id)) continue;
        asked.set(entry.prediction_id, entry);
        queue.push(entry.prediction_id);
      }
    } catch (error) {
      trouble = error;
    }
    become(queue.length ? "asking" : "empty");
  }

  async function advance() {
    queue.shift();
    if (queue.length) become("asking");
    else {
      state = "empty";
      await load();
    }
  }

  return {
    load,
    current,
    get state() {
      return state;
    },
    get trouble() {
      return trouble;
    },
    get waiting() {
      return queue.length;
    },
    get labelled() {
      return [...labels().values()];
    },
    get skipped() {
      return skipped().length;
    },
    get canUndo() {
      return done.length > 0 && state !== "sending" && state !== "loading";
    },
    // What was said of the text that is shown, where it was opened again.
    get before() {
      return labels().get(queue[0])?.label ?? null;
    },
    // The newest answer with what the model had said, or null.
    get newest() {
      const each = done.findLast(({ how }) => how === "labelled");
      return each && !queue.includes(each.id) ? { ...each, entry: asked.get(each.id) } : null;
    },

    async answer(label) {
      const entry = current();
      if (!entry || state !== "asking") return;
      trouble = null;
      become("sending");
      try {
        await send(entry.prediction_id, label);
      } catch (error) {
        trouble = error;
        // Erased meanwhile: there is nothing left to label.
        if (error.status === 404) {
          asked.delete(entry.prediction_id);
          await advance();
        } else become("asking");
        return;
      }
      const first = labels().get(entry.prediction_id);
      done = done.filter((each) => each.id !== entry.prediction_id);
      // A correction is no further label: it keeps the moment of the first.
      done.push({ id: entry.prediction_id, label, at: first?.at ?? now(), how: "labelled" });
      await advance();
    },

    async skip() {
      const entry = current();
      if (!entry || state !== "asking") return;
      trouble = null;
      if (last(entry.prediction_id)?.how !== "labelled") {
        done = done.filter((each) => each.id !== entry.prediction_id);
        done.push({ id: entry.prediction_id, label: null, at: now(), how: "skipped" });
      }
      await advance();
    },

    // Opens the newest answer or skipped text again. A label stays until another one corrects it.
    undo() {
      if (!this.canUndo) return;
      const each = done.findLast(({ id }) => !queue.includes(id));
      if (!each) return;
      trouble = null;
      if (each.how === "skipped") done = done.filter((other) => other !== each);
      queue.unshift(each.id);
      become("asking");
    },

    bringBack() {
      const ids = skipped();
      done = done.filter((each) => each.how !== "skipped");
      queue.push(...ids);
      become(queue.length ? "asking" : "empty");
    },
  };
}
