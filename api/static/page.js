// The page works without this script. It adds:
// - streams of hidden tabs are closed: browsers keep six connections per host, and each stream holds one. A tab
//   that is shown again reloads its live part, which opens a new stream
// - selected jobs stay selected when the rows of the list are replaced
// - snippets get a button that copies them
"use strict";

let stream = null;

document.addEventListener("htmx:sseOpen", (event) => {
  stream = event.detail.source;
  closeIfHidden();
});

document.addEventListener("visibilitychange", () => {
  closeIfHidden();
  const live = document.getElementById("live");
  if (!document.hidden && live && stream?.readyState === EventSource.CLOSED) {
    htmx.trigger(live, "return");
  }
});

function closeIfHidden() {
  if (document.hidden) {
    stream?.close();
  }
}

let selected = [];

function rememberSelected() {
  selected = [...document.querySelectorAll("#selected input[name=job]:checked")].map((box) => box.id);
}

for (const swap of ["htmx:sseBeforeMessage", "htmx:beforeSwap"]) {
  document.addEventListener(swap, rememberSelected);
}

for (const swapped of ["htmx:sseMessage", "htmx:afterSwap"]) {
  document.addEventListener(swapped, () => {
    for (const id of selected) {
      const box = document.getElementById(id);
      if (box) {
        box.checked = true;
      }
    }
    showCopyButtons();
  });
}

function showCopyButtons() {
  for (const button of document.querySelectorAll("button.copy[hidden]")) {
    button.hidden = !navigator.clipboard;
  }
}

document.addEventListener("DOMContentLoaded", showCopyButtons);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (button) {
    await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }
});
