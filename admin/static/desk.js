// Adds to the desk what forms cannot do alone: files dropped and pasted, standard answers put in at once.
"use strict";

(() => {
  // Files land in the form's own input, so that they go the same way as chosen ones.
  function add(form, files) {
    const input = form.querySelector("input[type=file]");
    if (!input || !files.length) return;
    const all = new DataTransfer();
    for (const file of [...input.files, ...files]) all.items.add(file);
    input.files = all.files;
    input.focus();
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

  // Presence: the page says that it is open and whether somebody writes, and hears who else is there.
  const place = document.querySelector("[data-presence]");
  if (place) {
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
      if (told.seq !== seq) {
        seq = told.seq;
        document.dispatchEvent(new Event("reglament:changed"));
      }
    };
    document.addEventListener("input", (event) => {
      if (!event.target.closest("form[action*='/moves/']")) return;
      const first = Date.now() - typedAt > 2 * EVERY;
      typedAt = Date.now();
      if (first) here();
    });
    document.addEventListener("visibilitychange", here);
    addEventListener("pagehide", () => say({ away: "1" }));
    setInterval(here, EVERY);
    here();
  }
})();
