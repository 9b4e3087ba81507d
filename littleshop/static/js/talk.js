// A conversation that is open: when something is said, its remarks are fetched anew. Works on both
// sides; without it the page is read again by hand.
(() => {
const place = document.querySelector("[data-talk]");
if (!place) return;
const EVERY = 20_000; // where no stream is to be had
let was = place.innerHTML.trim();
let waits = false;
const load = async () => {
  if (document.hidden) { waits = true; return; } // unseen is unread
  waits = false;
  const answer = await fetch(place.dataset.talk, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer || !answer.ok) return;
  const text = (await answer.text()).trim();
  if (text === was) return;
  const low = innerHeight + scrollY > document.body.scrollHeight - 240;
  was = text;
  place.innerHTML = text;
  if (low) place.lastElementChild?.lastElementChild?.scrollIntoView({ block: "nearest" });
};
let timer = 0;
const ask = () => { if (!timer) timer = setInterval(load, EVERY); };
document.addEventListener("visibilitychange", () => { if (waits) load(); });
if (!("EventSource" in window)) { ask(); return; }
let stream = null; // only while it is looked at: a browser has six connections to a site
const listen = () => {
  if (stream || document.hidden) return;
  stream = new EventSource(place.dataset.talkLive);
  stream.addEventListener("talk", load);
  stream.onopen = () => { clearInterval(timer); timer = 0; load(); };
  stream.onerror = () => { if (stream && stream.readyState === EventSource.CLOSED) ask(); };
};
const rest = () => {
  if (stream) stream.close();
  stream = null;
};
document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
addEventListener("pagehide", rest);
addEventListener("pageshow", listen);
listen();
})();
