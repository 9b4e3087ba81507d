// Parcels are scanned one after the other: the camera stays on while each is shipped. Without this
// file the number is typed; without a camera a photo of the slip is read.
"use strict";
(() => {
const PARCEL = /^(?=(?:.*\d){6})[A-Z0-9-]{8,40}$/; // a slip's other codes are shorter or sentences
const THING = ["ean13", "ean8", "upca", "upce"];
const NATIVE = ["code_128", "code_39", "qr_code", "ean_13", "ean_8", "upc_a", "upc_e"];
const WIDEST = 1600; // pixels: enough for the bars of a slip, quick to read
const BETWEEN = 120; // milliseconds between two looks: the phone is to stay cool
const one = (where, inside = document) => inside.querySelector(where);
const shipped = new Set(); // what was shipped in this sitting lies before the camera a moment longer
let stream = null, reading = null, looking = false;

const form = () => one("[data-ship]");
const say = (what) => {
  const says = form() && one("[data-scan-says]", form());
  if (!says) return;
  says.hidden = !what;
  const text = what ? says.dataset[what] : "";
  if (says.textContent !== text) says.textContent = text;
};

// ---- who reads: the phone's own reader, else ours, fetched now and not before
const native = async () => {
  if (!("BarcodeDetector" in window)) return null;
  const able = await window.BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!able.includes("code_128")) return null;
  const detector = new window.BarcodeDetector({ formats: NATIVE.filter((each) => able.includes(each)) });
  return async (source) => (await detector.detect(source))
    .map(({ rawValue, format }) => ({ text: rawValue, format }));
};
const ours = ({ decoder, reader, wasm }) => {
  const worker = new Worker(decoder), turns = new Map();
  const lost = () => { turns.forEach(({ reject }) => reject(new Error("no reader"))); reading = null; };
  worker.onerror = lost;
  worker.onmessage = ({ data }) => {
    const { resolve, reject } = turns.get(data.turn);
    turns.delete(data.turn);
    if (data.failed) reject(new Error(data.failed)); else resolve(data.found);
  };
  worker.postMessage({ reader: new URL(reader, location).href, wasm: new URL(wasm, location).href });
  const canvas = document.createElement("canvas");
  let last = 0;
  return (source) => new Promise((resolve, reject) => {
    const wide = source.videoWidth || source.width, high = source.videoHeight || source.height;
    const scale = Math.min(1, WIDEST / Math.max(wide, high));
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(high * scale);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    turns.set(last += 1, { resolve, reject });
    worker.postMessage({ turn: last, picture }, [picture.data.buffer]);
  });
};
const reader = async () => reading ||= await native() || ours(one("[data-scan-says]").dataset);

// ---- what was read
const take = (seen) => {
  const bare = seen.map(({ text, format }) => ({
    text: text.trim().toUpperCase(), thing: THING.includes(format.toLowerCase().replace(/[^a-z0-9]/g, "")),
  }));
  const numbers = bare.filter(({ text, thing }) => !thing && PARCEL.test(text)).map(({ text }) => text);
  const fresh = numbers.find((text) => !shipped.has(text));
  if (!fresh) {
    if (numbers.length) say("again"); else if (bare.some(({ thing }) => thing)) say("thing");
    return false;
  }
  const field = one("input[name=tracking_number]", form());
  field.value = fresh.replace(/^([A-Z]{1,3})(?=\d)/, "$1 ").replace(/(\d{4})(?=\w)/g, "$1 ");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  if (navigator.vibrate) navigator.vibrate(60);
  say("got");
  return true;
};
const look = async () => {
  if (looking) return;
  looking = true;
  say("looking");
  try {
    while (stream && form()) {
      const video = one("[data-camera] video");
      const seen = video.readyState > 1 ? await (await reader())(video) : [];
      if (!stream || !form() || take(seen)) break;
      await new Promise((then) => setTimeout(then, BETWEEN));
    }
  } catch { stop(); say("noReader"); }
  looking = false;
};
const stop = () => {
  if (stream) stream.getTracks().forEach((each) => each.stop());
  stream = null;
  const camera = one("[data-camera]");
  if (camera) camera.hidden = true;
};
const open = async () => {
  if (stream) { look(); return; } // the number that stands there is not the right one
  say("opening");
  try {
    const wish = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: wish });
  } catch {
    say("noCamera");
    one("[data-scan]").hidden = true;
    one("[data-scan-photo]").hidden = false;
    one("input[name=tracking_number]", form()).focus();
    return;
  }
  one("[data-camera]").hidden = false;
  form().scrollIntoView({ block: "start" }); // camera, number and button are seen at once
  const video = one("[data-camera] video");
  video.srcObject = stream;
  await video.play();
  look();
};
const photo = async (field) => {
  const [file] = field.files;
  if (!file) return;
  say("opening");
  let picture;
  try { picture = await createImageBitmap(file); } catch { say("unread"); return; }
  try {
    const seen = await (await reader())(picture);
    say("unread");
    take(seen);
  } catch { say("noReader"); }
  field.value = "";
};

// ---- shipped with the camera on: the page is renewed around it
const unsent = (sent) => {
  delete sent.dataset.sent;
  sent.querySelectorAll("[aria-busy]").forEach((each) => each.removeAttribute("aria-busy"));
};
const renew = (text, address) => {
  const page = new DOMParser().parseFromString(text, "text/html"), fresh = one("#main", page);
  if (!fresh) { location.assign(address); return; }
  const camera = one("[data-camera]"), main = one("#main");
  const place = one("[data-ship] [data-camera]", fresh);
  if (place) place.replaceWith(camera); else stop();
  main.replaceChildren(...fresh.childNodes);
  const count = "[data-live-count=waiting]"; // on the tab below
  if (one(count) && one(count, page)) one(count).replaceChildren(...one(count, page).childNodes);
  history.replaceState(null, "", address);
  main.dispatchEvent(new Event("fresh", { bubbles: true }));
  if (!place) return;
  show();
  one("video", camera).play();
  (one("[data-undo]") || form()).scrollIntoView({ block: "start" });
  if (!one("input[name=tracking_number]", form()).value) look();
};
document.addEventListener("submit", async (event) => {
  const sent = event.target;
  if (!stream || !sent.matches("[data-ship]") || event.defaultPrevented) return;
  event.preventDefault();
  const number = one("input[name=tracking_number]", sent).value.replace(/\s/g, "").toUpperCase();
  let answer, text;
  try {
    answer = await fetch(sent.action, { method: "POST", body: new URLSearchParams(new FormData(sent)) });
    text = await answer.text();
  } catch { unsent(sent); say("noSignal"); return; }
  if (answer.ok) shipped.add(number);
  renew(text, answer.redirected ? answer.url : location.href);
});

// ---- and taken back while nobody was told: its slip may be scanned again
document.addEventListener("submit", async (event) => {
  const sent = event.target;
  if (!stream || !sent.matches("[data-undo]") || event.defaultPrevented) return;
  event.preventDefault();
  let answer, text;
  try {
    answer = await fetch(sent.action, { method: "POST" });
    text = await answer.text();
  } catch { unsent(sent); say("noSignal"); return; }
  shipped.delete(sent.dataset.number);
  renew(text, answer.redirected ? answer.url : location.href);
});

const show = () => {
  if (!form()) return;
  const able = Boolean(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
  one("[data-scan]").hidden = !able;
  one("[data-scan-photo]").hidden = able;
};
document.addEventListener("click", (event) => { if (event.target.closest("[data-scan]")) open(); });
document.addEventListener("change", (event) => {
  if (event.target.closest("[data-scan-photo]")) photo(event.target);
});
addEventListener("pagehide", stop);
show();
})();
