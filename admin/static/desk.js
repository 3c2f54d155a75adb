// Adds to the desk what forms cannot do alone: files dropped and pasted, standard answers and callers put in at once.
"use strict";

(() => {
  // Files land in the form's own input, so that they go the same way as chosen ones.
  function add(form, files) {
    const input = form.querySelector("input[type=file]");
    if (!input || !files.length) return;
    const all = [...input.files];
    for (const file of files) all.push(apart(file, all));
    put(input, all);
    input.parentElement.querySelector(".chosen-files").scrollIntoView({ block: "nearest" });
  }

  // Every screenshot comes out of the clipboard under the same name.
  function apart(file, others) {
    const [, stem, suffix] = /^(.*?)(\.[^.]*)?$/s.exec(file.name);
    let name = file.name;
    for (let n = 2; others.some((other) => other.name === name); n++) name = `${stem}-${n}${suffix ?? ""}`;
    return name === file.name ? file : new File([file], name, { type: file.type, lastModified: file.lastModified });
  }

  function put(input, files) {
    const all = new DataTransfer();
    for (const file of files) all.items.add(file);
    input.files = all.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // What goes along, by name, each with a way to leave it out again: the input itself only counts them.
  function name(input) {
    let list = input.parentElement.querySelector(".chosen-files");
    if (!list) {
      list = document.createElement("ul");
      list.classList.add("plain-list", "kept-files", "chosen-files");
      list.setAttribute("aria-live", "polite");
      input.after(list);
    }
    list.replaceChildren(...[...input.files].map((file) => {
      const [item, said, out] = ["li", "span", "button"].map((tag) => document.createElement(tag));
      said.textContent = file.name;
      out.type = "button";
      out.classList.add("button", "quiet");
      out.textContent = input.dataset.leaveOut;
      out.setAttribute("aria-label", `${input.dataset.leaveOut}: ${file.name}`);
      out.addEventListener("click", () => {
        put(input, [...input.files].filter((other) => other !== file));
        input.focus();
      });
      item.append(said, out);
      return item;
    }));
  }

  // What the server would refuse for its size is said before it is sent, and the form stays as it is.
  function weigh(input) {
    const heavy = [...input.files].filter((file) => file.size > Number(input.dataset.largest));
    input.setCustomValidity(heavy.length ? input.dataset.tooBig.replace("{files}", heavy.map((file) => file.name).join(", ")) : "");
    if (heavy.length) input.reportValidity();
  }
  for (const input of document.querySelectorAll("input[type=file][data-largest]")) {
    input.addEventListener("change", () => {
      weigh(input);
      name(input);
    });
  }

  for (const form of document.querySelectorAll("form[data-drop]")) {
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    form.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      form.classList.add("dropping");
    });
    form.addEventListener("dragleave", (event) => {
      if (!form.contains(event.relatedTarget)) form.classList.remove("dropping");
    });
    form.addEventListener("drop", (event) => {
      form.classList.remove("dropping");
      if (!holdsFiles(event)) return;
      event.preventDefault();
      add(form, event.dataTransfer.files);
    });
    form.addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      add(form, event.clipboardData.files);
    });
  }

  // A standard answer goes where the cursor stands; without script the server puts it below the text.
  for (const button of document.querySelectorAll("[data-insert]")) {
    button.addEventListener("click", (event) => {
      const chosen = button.form.elements.canned.selectedOptions[0];
      const text = button.form.elements.text;
      if (!chosen?.dataset.text || !text) return;
      event.preventDefault();
      text.setRangeText(chosen.dataset.text, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      text.focus();
    });
  }

  // The list one came from: the way back leads to it as it stood, and the ways on to its other tickets.
  const LIST = "reglament:list";
  const list = document.querySelector("[data-list]");
  if (list) {
    const hrefs = [...list.querySelectorAll("[data-row] a[href]")].map((link) => link.getAttribute("href"));
    sessionStorage.setItem(LIST, JSON.stringify({ here: location.pathname + location.search, hrefs }));
  }
  const back = document.querySelector("[data-back]");
  const known = back && JSON.parse(sessionStorage.getItem(LIST) ?? "null");
  if (known) {
    back.href = known.here;
    const at = known.hrefs.indexOf(location.pathname);
    for (const way of document.querySelectorAll("[data-step]")) {
      const href = at < 0 ? undefined : known.hrefs[at + Number(way.dataset.step)];
      if (!href) continue;
      way.href = href;
      way.hidden = false;
    }
  }

  // Organisations and people are found among all there are while one types; the words that are chosen stay in the field.
  const named = {
    organisations: ({ name, domains }) => [name, domains.join(", ")],
    contacts: ({ addresses, full_name, organisation }) => [addresses[0], [full_name, organisation].filter(Boolean).join(", ")],
  };
  for (const field of document.querySelectorAll("input[data-among]")) {
    const among = field.dataset.among;
    let asked = null, waiting = 0;
    const suggest = async () => {
      asked?.abort();
      asked = new AbortController();
      const address = `/api/v1/${among}?${new URLSearchParams({ q: field.value, limit: 20 })}`;
      const answer = await fetch(address, { credentials: "same-origin", signal: asked.signal }).catch(() => null);
      if (!answer?.ok) return;
      const found = (await answer.json()).items.map(named[among]);
      field.list.replaceChildren(...found.map(([value, told]) => new Option(told, value)));
    };
    field.addEventListener("input", (event) => {
      clearTimeout(waiting);
      if (event.inputType !== "insertReplacementText") waiting = setTimeout(suggest, 200); // chosen: nothing to look for
    });
    field.addEventListener("focus", suggest);
  }

  // Who is calling: found while one types, and written into the form without losing what stands in it.
  const lookup = document.querySelector("form[data-lookup]");
  if (lookup) {
    const words = lookup.elements.lookup, call = document.getElementById("call");
    let asked = null, waiting = 0, brought = new Map();
    const page = async (href) => {
      asked?.abort();
      asked = new AbortController();
      const answer = await fetch(href, { credentials: "same-origin", signal: asked.signal }).catch(() => null);
      if (!answer?.ok || answer.redirected) return null;
      return new DOMParser().parseFromString(await answer.text(), "text/html");
    };
    const put = (fresh, id) => document.getElementById(id).replaceChildren(...fresh.getElementById(id).childNodes);
    const look = async () => {
      const fresh = await page(`${lookup.action}?${new URLSearchParams({ lookup: words.value })}`);
      if (fresh) put(fresh, "callers");
    };
    const choose = async (href) => {
      const fresh = await page(href);
      if (!fresh) return;
      put(fresh, "about");
      const before = brought;
      brought = new Map();
      for (const told of fresh.getElementById("call").querySelectorAll("[name=contact], input:not([type=hidden]), select")) {
        const field = call.elements[told.name];
        if (told.id === "f-priority") continue;
        if (told.value) brought.set(told.name, told.value);
        // What the caller chosen before brought along is not this one's; what was typed is left where nothing is known.
        if (told.value || field.value === before.get(told.name)) field.value = told.value;
      }
      document.getElementById("callers").replaceChildren();
      (call.elements.text.value ? call.elements.priority ?? call.elements.text : call.elements.subject).focus();
    };
    const found = () => [...lookup.querySelectorAll("#callers a")];
    words.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(look, 200);
    });
    lookup.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(waiting);
      look().then(() => { if (found().length === 1) choose(found()[0].href); });
    });
    lookup.addEventListener("click", (event) => {
      const chosen = event.target.closest("#callers a");
      if (!chosen || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      choose(chosen.href);
    });
    lookup.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const all = found();
      if (!step || !all.length) return;
      event.preventDefault();
      const at = all.indexOf(document.activeElement) + step;
      (at < 0 ? words : all[Math.min(at, all.length - 1)]).focus();
    });
  }
})();
