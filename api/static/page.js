// The page works without this script. It adds:
// - streams of hidden tabs are closed: browsers keep six connections per host, and each stream holds one. A tab
//   that is shown again reloads its live part, which opens a new stream. One that is to notify keeps its stream
// - selected jobs stay selected, and open questions open, when the rows of the list are replaced
// - snippets get a button that copies them
// - all jobs of a list can be selected at once, and the selected ones are counted
// - times are the browser's own, with UTC when pointed at
// - the form for a new job is sent once, however often its button is pressed
// - what was wrong with a field goes when the field changes, and all of it when the form can be estimated
// - the title of a job's tab says how far it is, and a notification that it has ended, if that is asked for
"use strict";

let stream = null;
let notifies = false;

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
  if (document.hidden && !notifies) {
    stream?.close();
  }
}

let selected = [];
let opened = [];
let focused = "";

function remember() {
  selected = [...document.querySelectorAll("#selected input[name=job]:checked")].map((box) => box.id);
  opened = [...document.querySelectorAll("#live details.confirm[open] > summary")].map((summary) => summary.id);
  focused = document.activeElement?.closest("#live details.confirm") ? document.activeElement.id : "";
}

for (const swap of ["htmx:sseBeforeMessage", "htmx:beforeSwap"]) {
  document.addEventListener(swap, remember);
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
  showCopyButtons();
  countSelected();
  showLocalTimes();
  showProgressInTitle();
  notifyOfEnd();
}

function showCopyButtons() {
  for (const button of document.querySelectorAll("button.copy[hidden]")) {
    button.hidden = !navigator.clipboard;
  }
}

function countSelected() {
  const all = document.getElementById("select-all");
  const boxes = [...document.querySelectorAll("#selected input[name=job]")];
  const chosen = boxes.filter((box) => box.checked).length;
  if (all) {
    const box = all.querySelector("input");
    all.hidden = boxes.length === 0;
    box.checked = chosen > 0 && chosen === boxes.length;
    box.indeterminate = chosen > 0 && chosen < boxes.length;
    const text = chosen ? String(chosen) : "";
    const count = document.getElementById("count");
    if (count.textContent !== text) {
      count.textContent = text;
    }
  }
}

document.addEventListener("change", (event) => {
  if (event.target.closest("#select-all")) {
    for (const box of document.querySelectorAll("#selected input[name=job]")) {
      box.checked = event.target.checked;
    }
  }
  countSelected();
});

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
  const job = document.querySelector(".stages");
  if (job) {
    const stage = job.querySelector(".active .name")?.textContent;
    const { value, max } = job.querySelector("#bar");
    const state = document.querySelector(".overview .badge").textContent.trim();
    document.title = `${stage ? `${stage} ${Math.round((100 * value) / max)} %` : state} · ${title}`;
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

function withdraw(name) {
  const field = document.getElementById(name);
  field?.removeAttribute("aria-invalid");
  document.querySelector(`#${CSS.escape(`hint-${name}`)} > .missed`)?.remove();
  const problems = document.getElementById("problems");
  problems?.querySelector(`a[href="${CSS.escape(`#${name}`)}"]`)?.closest("li").remove();
  if (problems && !problems.querySelector("li")) {
    problems.remove();
  }
}

document.addEventListener("input", (event) => {
  if (event.target.closest("#new")) {
    withdraw(event.target.name);
  }
});

document.addEventListener("htmx:afterSwap", () => {
  if (document.querySelector("#new .estimated")) {
    for (const hint of document.querySelectorAll("#new [id^='hint-']:has(> .missed)")) {
      withdraw(hint.id.slice("hint-".length));
    }
    document.getElementById("problems")?.remove();
  }
});

const notifying = document.querySelector("button.notify");

if (notifying && "Notification" in window) {
  notifying.hidden = Notification.permission === "denied";
  notifying.addEventListener("click", async () => {
    notifies = (await Notification.requestPermission()) === "granted";
    notifying.textContent = notifies ? "You will be notified" : "The browser does not allow it";
    notifying.disabled = true;
  });
}

function notifyOfEnd() {
  const state = document.querySelector("#live [role=status]")?.textContent.trim();
  if (notifying && /^Job (succeeded|failed|cancelled)\./.test(state)) {
    notifying.hidden = true;
    if (notifies) {
      notifies = false;
      new Notification(title, { body: state });
    }
  }
}

enhance();
