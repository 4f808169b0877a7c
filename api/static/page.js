// Live streams of hidden tabs are closed: a browser keeps six connections per host, and each stream holds one.
// A tab that is looked at again loads its live part afresh, which opens a new stream.
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
