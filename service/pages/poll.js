// A question asked again and again: at its pace while somebody looks, rarely while the page is hidden,
// ever more rarely while nobody answers. Knows nothing of what is asked.

const HIDDEN = 60_000;
const SLOWEST = 30_000;

// `question` resolves to true (answered), false (not answered) or null (stop until `now` is called).
export function poll(pace, question) {
  let timer = null;
  let failures = 0;
  let running = false;
  let again = false;

  async function round() {
    clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = true;
    const answered = await question();
    running = false;
    if (again) {
      again = false;
      await round();
      return;
    }
    if (answered === null) return;
    failures = answered ? 0 : failures + 1;
    const wait = document.hidden ? HIDDEN : Math.min(pace * 2 ** failures, Math.max(SLOWEST, pace));
    timer = setTimeout(round, wait);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && timer !== null) round();
  });
  return { now: round };
}
