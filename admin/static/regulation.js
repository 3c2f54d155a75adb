// Saves the draft as it is typed, judges it at once, and puts what colleagues change into the open page.
"use strict";

(() => {
  const form = document.querySelector("form[data-draft]");
  const days = document.querySelector("form[data-days]");
  const status = document.getElementById("draft-saved");
  if (!form || !status) return;

  const JUDGED_AFTER = 350, SAVED_AFTER = 2_500, TRIED_AGAIN_AFTER = 5_000; // milliseconds of silence
  const place = document.getElementById("draft-others");
  const token = form.elements._csrf_token.value;
  const bases = new Map(); // what the draft holds, by the name of the field
  const held = new Set(); // fields that a colleague changed too: sent again only after they are typed in again
  let judging = 0, saving = 0, again = 0, running = null, gone = false;

  // --- the fields -----------------------------------------------------------------------------------------------------

  const ours = (control) =>
    control.name && control.type !== "hidden" && control.type !== "submit" && !("asks" in control.dataset);
  const controls = (root) => [...root.elements].filter(ours);
  const named = (root, name) => controls(root).filter((control) => control.name === name);

  function valueOf(root, name) {
    const [first, ...others] = named(root, name);
    if (!first) return null;
    if (first.type === "radio") return [first, ...others].find((control) => control.checked)?.value ?? "";
    return first.type === "checkbox" ? (first.checked ? first.value : "") : first.value;
  }

  function put(name, value) {
    for (const control of named(form, name)) {
      if (control.type === "radio" || control.type === "checkbox") control.checked = value !== "" && control.value === value;
      else if (control.value !== value) control.value = value;
    }
  }

  const names = (root) => new Set(controls(root).map((control) => control.name));
  const remember = (root) => { for (const name of names(root)) bases.set(name, valueOf(root, name)); };
  const focused = (name) => document.activeElement?.form === form && document.activeElement.name === name;

  // A row is taken away by clearing its key: not while somebody is still in it, perhaps to type another.
  const beingCleared = (name) =>
    focused(name) && "rowKey" in document.activeElement.dataset && valueOf(form, name).trim() === "" && bases.get(name);

  const touched = () =>
    [...names(form)].filter((name) => valueOf(form, name) !== bases.get(name) && !held.has(name) && !beingCleared(name));

  // --- asking the server ------------------------------------------------------------------------------------------------

  function asked(fields) {
    const body = new URLSearchParams({ _csrf_token: token });
    for (const control of form.querySelectorAll("[data-asks]")) body.set(control.name, control.value);
    for (const name of fields) {
      const value = valueOf(form, name);
      body.set(`was.${name}`, bases.get(name) ?? "");
      if (named(form, name)[0].type === "checkbox") body.set(`shown-${name}`, "1");
      if (value !== "" || named(form, name)[0].type !== "checkbox") body.set(name, value);
    }
    return body;
  }

  const send = (address, body, how) =>
    fetch(address, { method: "POST", body, headers: { "X-Draft": how }, credentials: "same-origin", keepalive: how === "save" });

  const read = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

  async function judge() {
    const answer = await send(form.action, asked(touched()), "try").catch(() => null);
    if (!answer?.ok) return;
    const fresh = await read(answer);
    showParts(fresh);
    showErrors(fresh, (name) => !focused(name));
  }

  async function save() {
    const fields = touched();
    if (gone) return;
    if (!fields.length) {
      if (form.querySelector("[aria-invalid=true]")) await judge(); // typed back as it was: refused no longer
      return say(refused() ? "refused" : "saved");
    }
    const sent = new Map(fields.map((name) => [name, valueOf(form, name)]));
    say("saving");
    const answer = await send(form.action, asked(fields), "save").catch(() => null);
    if (answer?.status === 410 || answer?.redirected) return end();
    if (!answer?.ok) return later(answer);
    take(await read(answer), sent);
    say(refused() ? "refused" : "saved");
    if (touched().length) soon(JUDGED_AFTER);
  }

  function later(answer) {
    say(answer?.status === 401 || answer?.status === 403 ? "signedOut" : "failed");
    clearTimeout(again);
    again = setTimeout(() => run(save), TRIED_AGAIN_AFTER);
  }

  function end() {
    gone = true;
    say("gone");
  }

  // One question at a time, the latest state of the form each time.
  function run(what) {
    running = (running ?? Promise.resolve()).then(what);
    return running;
  }

  function soon(wait) {
    clearTimeout(saving);
    saving = setTimeout(() => { clearTimeout(judging); run(save); }, wait);
  }

  const say = (key) => {
    if (status.textContent !== status.dataset[key]) status.textContent = status.dataset[key];
    status.classList.toggle("unsaved", key !== "saved" && key !== "saving");
  };
  const refused = () => Boolean(form.querySelector("[aria-invalid=true]")) && touched().length + held.size > 0;

  // --- what comes back --------------------------------------------------------------------------------------------------

  function take(fresh, sent = new Map()) {
    const theirs = fresh.querySelector("form[data-draft]");
    const told = fresh.getElementById("overrun");
    if (!theirs || !told) return;
    const left = leftIn(theirs);
    place.dataset.seq = told.dataset.revision;
    for (const one of document.querySelectorAll("input[name=revision]")) one.value = told.dataset.revision;
    showRows(fresh, theirs);
    for (const name of JSON.parse(told.dataset.overrun)) held.add(name);
    for (const name of names(theirs)) {
      const kept = left[name] ?? valueOf(theirs, name);
      const untouched = valueOf(form, name) === (sent.get(name) ?? bases.get(name));
      bases.set(name, kept);
      if (untouched && !(name in left) && !focused(name)) put(name, kept);
    }
    showParts(fresh);
    showErrors(fresh, () => true);
    showWhen();
  }

  // What was typed and could not be kept stands in the fields; the server tells what the draft holds instead.
  const leftIn = (page) => JSON.parse(page.dataset.left);

  function showParts(fresh) {
    for (const part of document.querySelectorAll("[data-part]")) {
      const twin = fresh.getElementById(part.id);
      if (!twin || part.contains(document.activeElement)) continue;
      if (part.innerHTML !== twin.innerHTML) part.replaceChildren(...twin.cloneNode(true).childNodes);
      part.className = twin.className;
      if (part.id !== "overrun") part.hidden = twin.hidden;
    }
  }

  // Rows that came are put at the end; where rows went, the whole list is shown anew.
  function showRows(fresh, theirs) {
    for (const list of form.querySelectorAll("[data-rows]")) {
      const twin = fresh.getElementById(list.id);
      if (!twin) continue;
      const [now, then] = [list, twin].map((one) => [...one.children].map((row) => row.id));
      const grown = now.every((id, n) => id === then[n]);
      if (grown && now.length === then.length) continue;
      const at = document.activeElement?.name;
      if (grown) list.append(...[...twin.children].slice(now.length).map((row) => row.cloneNode(true)));
      else list.replaceChildren(...[...twin.children].map((row) => row.cloneNode(true)));
      for (const name of names(theirs)) if (!bases.has(name) || !grown) bases.set(name, valueOf(theirs, name));
      if (at && !form.contains(document.activeElement)) named(form, at)[0]?.focus();
    }
  }

  function showErrors(fresh, may) {
    const theirs = fresh.querySelector("form[data-draft]");
    if (!theirs) return;
    for (const control of controls(form)) {
      const twin = theirs.querySelector(`#${CSS.escape(control.id)}`);
      const [around, theirAround] = [control.closest(".field"), twin?.closest(".field")];
      if (!twin || !around || !theirAround || control.type === "checkbox") continue;
      const [mine, wrong] = [around.querySelector(":scope > .error"), theirAround.querySelector(":scope > .error")];
      if (wrong && !mine && !may(control.name)) continue;
      if (mine?.textContent === wrong?.textContent) continue;
      mine?.remove();
      if (wrong) (control.type === "radio" ? control.closest(".tick") : control).after(wrong.cloneNode(true));
      around.classList.toggle("has-error", Boolean(wrong));
      for (const attribute of ["aria-invalid", "aria-describedby"]) {
        if (twin.hasAttribute(attribute)) control.setAttribute(attribute, twin.getAttribute(attribute));
        else control.removeAttribute(attribute);
      }
    }
  }

  // A field that makes sense with one choice only is shown with that choice.
  function showWhen() {
    for (const block of form.querySelectorAll("[data-when]")) {
      const [name, value] = block.dataset.when.split("=");
      block.hidden = valueOf(form, name) !== value;
    }
  }

  // --- what people do ---------------------------------------------------------------------------------------------------

  form.addEventListener("input", (event) => {
    held.delete(event.target.name);
    showWhen();
    clearTimeout(judging);
    judging = setTimeout(() => run(judge), JUDGED_AFTER);
    if (ours(event.target)) soon(SAVED_AFTER);
  });
  form.addEventListener("change", (event) => { if (ours(event.target)) soon(0); });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name) return; // a button of its own: the page is loaded anew
    event.preventDefault();
    soon(0);
  });
  document.addEventListener("reglament:draft", () => run(async () => {
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = await read(answer);
    if (fresh.querySelector("form[data-draft]")) take(fresh);
    else end();
  }));
  addEventListener("pagehide", () => {
    const fields = touched();
    if (fields.length && !gone) send(form.action, asked(fields), "save").catch(() => null);
  });
  addEventListener("beforeunload", (event) => { if (touched().length && refused()) event.preventDefault(); });

  // A click on a day changes it in place.
  days?.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(days, event.submitter));
    run(async () => {
      say("saving");
      const answer = await send(days.action, body, "save").catch(() => null);
      if (answer?.status === 410 || answer?.redirected) return end();
      if (!answer?.ok) return say("failed");
      const fresh = await read(answer);
      showMonths(fresh);
      take(fresh);
      say("saved");
    });
  });

  function showMonths(fresh) {
    for (const day of document.querySelectorAll("#months .day")) {
      const twin = fresh.getElementById(day.id);
      if (!twin) continue;
      for (const attribute of ["class", "title", "aria-label"]) day.setAttribute(attribute, twin.getAttribute(attribute));
    }
    for (const head of document.querySelectorAll("#months h2")) {
      const twin = fresh.getElementById(head.id);
      if (twin && head.innerHTML !== twin.innerHTML) head.replaceChildren(...twin.cloneNode(true).childNodes);
    }
  }

  // A field of a letter goes where the cursor stood.
  const fields = document.querySelector("[data-insert-into]");
  if (fields) {
    let last = null;
    form.addEventListener("focusin", (event) => { if (event.target.matches(fields.dataset.insertInto)) last = event.target; });
    for (const code of fields.querySelectorAll("dt > code")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "insert";
      button.title = fields.dataset.insertLabel;
      code.replaceWith(button);
      button.append(code);
      button.addEventListener("click", () => {
        const into = last ?? form.querySelector("textarea");
        into.setRangeText(`{{ ${code.textContent} }}`, into.selectionStart, into.selectionEnd, "end");
        into.dispatchEvent(new Event("input", { bubbles: true }));
        into.focus();
      });
    }
  }

  for (const one of document.querySelectorAll("[data-saves], .scriptless")) one.hidden = true;
  remember(form);
  for (const [name, kept] of Object.entries(leftIn(form))) bases.set(name, kept);
})();
