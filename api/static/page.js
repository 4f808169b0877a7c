// The page works without this script. It adds:
// - streams of hidden tabs are closed: browsers keep six connections per host, and each stream holds one. A tab
//   that is shown again reloads its live part, which opens a new stream
// - selected jobs stay selected, and open questions open, when a part of the page is replaced
// - snippets get a button that copies them
// - times are the browser's own, with UTC when pointed at
// - the form for a new job is sent once, however often its button is pressed
// - the title of a job's tab says how far it is
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
let opened = [];
let focused = "";

for (const swap of ["htmx:sseBeforeMessage", "htmx:beforeSwap"]) {
  document.addEventListener(swap, () => {
    selected = [...document.querySelectorAll("#selected input[name=job]:checked")].map((box) => box.id);
    opened = [...document.querySelectorAll("#live details[open] > summary[id]")].map((summary) => summary.id);
    focused = document.activeElement?.closest("#live details.confirm") ? document.activeElement.id : "";
  });
}

for (const swapped of ["htmx:sseMessage", "htmx:afterSwap"]) {
  document.addEventListener(swapped, () => {
    for (const id of selected) {
      const box = document.getElementById(id);
      if (box) {
        box.checked = true;
      }
    }
    for (const id of opened) {
      const summary = document.getElementById(id);
      if (summary) {
        summary.parentElement.open = true;
      }
    }
    if (focused) {
      document.getElementById(focused)?.focus();
    }
    enhance();
  });
}

function enhance() {
  for (const button of document.querySelectorAll("button.copy[hidden]")) {
    button.hidden = !navigator.clipboard;
  }
  showLocalTimes();
  showProgressInTitle();
}

const twoDigits = (number) => String(number).padStart(2, "0");
const dateOf = (at) => `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
const clockOf = (at) => [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");

function showLocalTimes() {
  for (const time of document.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    const local = `${dateOf(at)} ${clockOf(at)}`;
    const utc = time.title || time.textContent;
    time.dataset.local = "";
    if ("age" in time.dataset) {
      time.title = `${local} here, ${utc}`;
    } else {
      time.textContent = "clock" in time.dataset ? clockOf(at) : local;
      time.title = utc;
    }
  }
  for (const zone of document.querySelectorAll(".zone")) {
    zone.textContent = "local time";
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (button) {
    await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }
});

const title = document.title;

function showProgressInTitle() {
  const stage = document.querySelector(".now:not(.over) .stage")?.textContent;
  const state = document.querySelector("#live .overview .badge")?.textContent.trim();
  if (state) {
    const { value, max } = document.getElementById("bar") ?? { value: 0, max: 1 };
    const runs = stage && stage !== state;
    document.title = `${runs ? `${stage} ${Math.round((100 * value) / max)} %` : state} · ${title}`;
  }
}

// A form that is on its way is not sent again; one that the browser shows again, as after "Back", may be.
document.addEventListener("submit", (event) => {
  if (event.target.id === "new" && event.submitter) {
    event.submitter.disabled = true;
  }
});

window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("#new button:disabled")) {
    button.disabled = false;
  }
});

enhance();
