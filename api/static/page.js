// The page works without this file. It adds what needs a hand in the browser:
// - live streams of hidden tabs are closed: a browser keeps six connections per host, and each stream holds one.
//   A tab that is looked at again loads its live part afresh, which opens a new stream
// - boxes that were ticked stay ticked when the rows around them are replaced
// - texts that are there to be taken away have a button that copies them
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

let ticked = [];

function rememberTicked() {
  ticked = [...document.querySelectorAll("#chosen input[name=job]:checked")].map((box) => box.id);
}

for (const swap of ["htmx:sseBeforeMessage", "htmx:beforeSwap"]) {
  document.addEventListener(swap, rememberTicked);
}

for (const swapped of ["htmx:sseMessage", "htmx:afterSwap"]) {
  document.addEventListener(swapped, () => {
    for (const id of ticked) {
      const box = document.getElementById(id);
      if (box) {
        box.checked = true;
      }
    }
    offerCopying();
  });
}

function offerCopying() {
  for (const button of document.querySelectorAll("button.copy[hidden]")) {
    button.hidden = !navigator.clipboard;
  }
}

document.addEventListener("DOMContentLoaded", offerCopying);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (button) {
    await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }
});
