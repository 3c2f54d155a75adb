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
})();
