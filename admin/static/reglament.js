// Adds keys, fresh times and live lists to pages that work without it.
"use strict";

(() => {
  const page = document.documentElement;

  // Relative times. The server's clock is the one that counts: the reader's may be wrong.
  const MINUTE = 60_000, HOUR = 60 * MINUTE, COUNTED_AHEAD = 6 * HOUR, COUNTED_BEHIND = HOUR;
  const offset = Date.parse(page.dataset.now) - Date.now();
  const unit = (amount, name) =>
    new Intl.NumberFormat(page.lang, { style: "unit", unit: name, unitDisplay: "short" }).format(amount);

  function said(milliseconds) {
    const minutes = Math.floor(milliseconds / MINUTE), hours = Math.floor(minutes / 60), rest = minutes % 60;
    return [hours && unit(hours, "hour"), rest && unit(rest, "minute")].filter(Boolean).join(" ");
  }

  function refreshTimes() {
    const now = Date.now() + offset;
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const ahead = Date.parse(time.dateTime) - now;
      const counted = ahead > 0 ? ahead < COUNTED_AHEAD : ahead > -COUNTED_BEHIND;
      if (!counted || Math.abs(ahead) < MINUTE) continue; // the server's words stay right, or right enough
      const words = ahead > 0 ? page.dataset.in : page.dataset.ago;
      time.textContent = words.replace("{duration}", said(Math.abs(ahead)));
    }
  }
  setInterval(refreshTimes, MINUTE / 2);

  // Keys. A list has one current row; what a key does on it is a link or a button of the page.
  const rows = () => [...document.querySelectorAll("[data-list] [data-row]")];
  const current = () => document.querySelector("[data-row].current");
  const link = (row) => row?.querySelector("a[href]");

  function move(step) {
    const all = rows();
    if (!all.length) return false;
    const from = all.indexOf(current());
    const next = all[from < 0 ? 0 : Math.min(Math.max(from + step, 0), all.length - 1)];
    current()?.classList.remove("current");
    next.classList.add("current");
    link(next)?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  function select() {
    const box = current()?.querySelector("input[type=checkbox]");
    if (box) box.click();
  }

  // All rows at once, where the page has a box for it; how many are chosen stands beside the buttons.
  const boxes = () => rows().map((row) => row.querySelector("input[type=checkbox]:enabled")).filter(Boolean);
  const whole = document.querySelector("[data-select-all]");
  const counted = document.querySelector("[data-chosen]");
  if (whole) whole.hidden = false;
  document.addEventListener("change", (event) => {
    if (event.target === whole) for (const box of boxes()) box.checked = whole.checked;
    else if (!event.target.closest("[data-row]")) return;
    const all = boxes(), chosen = all.filter((box) => box.checked).length;
    if (whole) {
      whole.checked = chosen > 0 && chosen === all.length;
      whole.indeterminate = chosen > 0 && chosen < all.length;
    }
    if (counted) counted.textContent = chosen ? counted.dataset.chosen.replace("{n}", chosen) : "";
  });

  function press(key) {
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]:not([hidden])`);
    if (!target) return false;
    if (target.matches("input, textarea, select")) target.focus();
    else target.click();
    if (target.matches("summary") && target.parentElement.open) {
      // To write is what a form is opened for; a standard answer beside it may be chosen or not.
      const form = target.parentElement;
      (form.querySelector("textarea") ?? form.querySelector("select, input:not([type=hidden])"))?.focus();
      target.scrollIntoView({ block: "nearest" });
    }
    return true;
  }

  // On a list «a» takes the row that is current: the row's own button, or the bulk button with this row alone.
  function act(key) {
    const own = current()?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);
    if (own) own.click();
    return Boolean(own) || press(key);
  }

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    x: select,
    X: () => whole?.click(),
    Enter: () => link(current())?.click(),
    "?": () => document.getElementById("keys")?.togglePopover(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.matches("textarea, .move :is(select, input)")) {
      event.preventDefault();
      event.target.form?.requestSubmit(); // by the form's own first button, as Enter does in a line
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (typing) {
      if (event.key === "Escape") typing.blur();
      return;
    }
    if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return;
    const key = onLatinKeyboard(event);
    if ((acts[key] && acts[key]() !== false) || act(key)) event.preventDefault();
  });

  // A Russian keyboard has the same keys in the same places.
  function onLatinKeyboard({ code, key }) {
    if (/^[а-яё]$/i.test(key) && code.startsWith("Key")) {
      const latin = code.slice(3);
      return key === key.toLowerCase() ? latin.toLowerCase() : latin;
    }
    return code === "Slash" && key === "." ? "/" : key;
  }

  // Live lists. What is being read does not move: known rows change in place, new ones wait behind a button.
  // Only the page in sight listens, and the bell listens with it: a browser keeps few connections to one place.
  const live = document.querySelector("[data-live]"), bell = document.querySelector("[data-bell]");
  if ((live || bell) && "EventSource" in window) {
    const REST = 3_000;
    let events = null, waiting = 0, last = 0;
    const later = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { last = Date.now(); refresh(); }, Math.max(400, last + REST - Date.now()));
    };
    const listen = () => {
      if (document.hidden) {
        events?.close();
        events = null;
      } else if (!events) {
        events = new EventSource(live ? live.dataset.live : bell.dataset.bell);
        if (live) events.onmessage = later;
        events.addEventListener("bell", (event) => ring(Number(event.data)));
      }
    };
    listen();
    document.addEventListener("visibilitychange", () => { listen(); if (live && !document.hidden) later(); });
    addEventListener("pagehide", () => { events?.close(); events = null; });
    addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  }
  document.addEventListener("reglament:changed", refresh);

  // How many notices are unread. Only more of them are said aloud: fewer is what the reader did.
  function ring(unread) {
    const count = bell?.querySelector(".bell-count");
    if (!count) return;
    const before = parseInt(count.textContent, 10);
    count.textContent = unread > 99 ? "99+" : String(unread);
    count.hidden = unread === 0;
    const said = document.getElementById("bell-said");
    if (said && unread > before) said.textContent = bell.dataset.said.replace("{n}", String(unread));
  }

  // A page that answers a form stands under the form's address and names its own; what was typed is no live part of it.
  const here = () => document.querySelector("[data-here]")?.dataset.here ?? location.href;

  async function refresh() {
    const answer = await fetch(here(), { headers: { "X-Live": "1" }, credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok || answer.redirected) return; // offline, or signed out: the next act will tell
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    page.dataset.now = fresh.documentElement.dataset.now;
    for (const part of document.querySelectorAll("[data-live-part]")) {
      const twin = fresh.getElementById(part.id);
      if (twin) (part.dataset.livePart === "entries" ? renewEntries : renew)(part, twin);
    }
    changeRows(fresh);
  }

  // What the reader opened stays open, and what has the focus keeps it; where that is gone, all stays as it was.
  function renew(part, twin) {
    const opened = [...part.querySelectorAll("details")].map((one) => one.open);
    [...twin.querySelectorAll("details")].forEach((one, at) => { one.open = opened[at] ?? one.open; });
    if (part.innerHTML === twin.innerHTML) return;
    const focus = part !== document.activeElement && part.contains(document.activeElement) && document.activeElement;
    const name = (one) => one.getAttribute("href") ?? one.getAttribute("aria-label") ?? one.textContent;
    const same = focus && [...twin.querySelectorAll(focus.localName)].find((one) => name(one) === name(focus));
    if (focus && !same) return;
    part.replaceChildren(...twin.childNodes);
    if (same) same.focus({ preventScroll: true });
  }

  // A list that only grows: entries that are open, marked or written in stay as they are, new ones come below.
  function renewEntries(part, twin) {
    for (const nameless of part.querySelectorAll(":scope > :not([id])")) nameless.remove();
    for (const one of [...twin.children]) {
      const known = document.getElementById(one.id);
      if (!known) part.append(one);
      else if (!inUse(known) && known.innerHTML !== one.innerHTML) known.replaceWith(one);
    }
  }

  function inUse(entry) {
    const marked = getSelection();
    return entry.contains(document.activeElement) || entry.querySelector("details[open], [aria-invalid]")
      || (!marked.isCollapsed && marked.containsNode(entry, true))
      || [...entry.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue);
  }

  // Rows that the list holds no more. Those at its end were only pushed to the next page, if there is one.
  function gone(listed, fresh) {
    const ids = new Set(listed.map((twin) => twin.dataset.row)), all = rows();
    const last = fresh.querySelector("a[rel=next]") ? all.findLastIndex((row) => ids.has(row.dataset.row)) : all.length;
    return all.filter((row, at) => at < last && !ids.has(row.dataset.row) && !row.classList.contains("left"));
  }

  // Such a row stays where it is read, says so instead of what it knew, and offers no act; a chosen one can be let go.
  function leave(row, said) {
    row.style.height = `${row.offsetHeight}px`;
    row.classList.add("left");
    if (row.querySelector(".q-who, .q-time")?.contains(document.activeElement)) link(row).focus({ preventScroll: true });
    for (const stale of row.querySelectorAll(".q-who, .q-time")) stale.textContent = "";
    row.querySelector(".q-state").textContent = said;
    const box = row.querySelector("input[type=checkbox]");
    box.disabled = !box.checked;
  }

  function changeRows(fresh) {
    const known = new Map(rows().map((row) => [row.dataset.row, row]));
    const listed = [...fresh.querySelectorAll("[data-list] [data-row]")];
    let added = 0;
    for (const twin of listed) {
      const row = known.get(twin.dataset.row);
      if (!row) added += 1;
      else if (!row.contains(document.activeElement) && !row.querySelector(":checked") && row.innerHTML !== twin.innerHTML) {
        row.replaceChildren(...twin.childNodes);
        row.style.height = "";
        row.className = [twin.className, row === current() && "current"].filter(Boolean).join(" ");
      }
    }
    const left = document.querySelector("[data-left]")?.dataset.left;
    if (left) for (const row of gone(listed, fresh)) leave(row, left);
    const more = document.querySelector("[data-more]");
    if (more && added) {
      more.textContent = more.dataset.more.replace("{n}", added);
      more.hidden = false;
    }
  }
})();
