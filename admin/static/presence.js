// Presence: the page says that it is open and whether somebody writes, and hears who else is there and what has changed.
"use strict";

(() => {
  const place = document.querySelector("[data-presence]");
  if (!place) return;
  const EVERY = 10_000;
  const token = document.querySelector("input[name=_csrf_token]")?.value ?? "";
  let typedAt = 0, seq = Number(place.dataset.seq);
  const say = (values) =>
    fetch(place.dataset.presence, {
      method: "POST", body: new URLSearchParams(values), headers: { "X-CSRF-Token": token }, keepalive: true,
    });
  const here = async () => {
    if (document.hidden) return;
    const answer = await say({ writing: Date.now() - typedAt < 2 * EVERY ? "1" : "0" }).catch(() => null);
    if (!answer?.ok) return;
    const told = await answer.json();
    if (place.textContent !== told.others) place.textContent = told.others;
    place.hidden = !told.others;
    if (told.seq !== seq && String(told.seq) !== place.dataset.seq) document.dispatchEvent(new Event(place.dataset.changed));
    seq = told.seq;
  };
  document.addEventListener("input", (event) => {
    if (!event.target.closest(place.dataset.writes)) return;
    const first = Date.now() - typedAt > 2 * EVERY;
    typedAt = Date.now();
    if (first) here();
  });
  document.addEventListener("visibilitychange", here);
  addEventListener("pagehide", () => say({ away: "1" }).catch(() => null));
  setInterval(here, EVERY);
  here();
})();
