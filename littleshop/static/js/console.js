// The seller's side: live figures, shipping, pictures, notices. Every page works without it.
"use strict";
document.documentElement.classList.add("js");
// what is done to every element of a kind, now and when a piece of a page comes in later
const kinds = [];
const all = (where, each) => {
  kinds.push([where, each]);
  document.querySelectorAll(where).forEach(each);
};
const wake = (piece) => kinds.forEach(([where, each]) =>
  piece.querySelectorAll(where).forEach(each));
// a form that was sent by sending.js comes back with what is wrong
document.addEventListener("fresh", (event) => wake(event.target));
const one = (where, inside = document) => inside.querySelector(where);

// ---- a form that creates something is sent once
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sure && !window.confirm(form.dataset.sure)) { event.preventDefault(); return; }
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
});
const unsent = (form) => {
  delete form.dataset.sent;
  form.querySelectorAll("[aria-busy]").forEach((each) => each.removeAttribute("aria-busy"));
};
addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach(unsent));

// ---- live: the server sends pieces of HTML it rendered itself, we put them in their place
const piece = (html) => {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
};
// A page that nobody looks at listens to nothing: a browser has six connections to a site, and each
// stream holds one. What it missed is read anew when it is looked at again.
const live = one("[data-live]");
if (live && "EventSource" in window) {
  const PLACES = ["data-live-swap", "data-live-top", "data-live-text", "data-live-count"];
  const anywhere = PLACES.map((name) => `[${name}]`).join();
  const state = one("[data-live-state]");
  let stream = null, missed = document.hidden;
  const on = (name, act) => all(`[${name}]`, (place) => stream.addEventListener(place.getAttribute(name),
    (event) => act(place, event.data)));
  const again = async () => {
    missed = false;
    const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const now = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll(anywhere);
    const shown = document.querySelectorAll(anywhere);
    if (now.length === shown.length) shown.forEach((place, at) => place.replaceChildren(...now[at].childNodes));
  };
  const listen = () => {
    if (stream || document.hidden) return;
    stream = new EventSource(live.dataset.live);
    stream.onopen = () => state && state.classList.add("on");
    stream.onerror = () => state && state.classList.remove("on");
    on("data-live-swap", (place, html) => place.replaceChildren(piece(html)));
    on("data-live-top", (list, html) => {
      const fresh = piece(html);
      fresh.firstElementChild.classList.add("landed");
      list.prepend(fresh);
      while (list.children.length > Number(list.dataset.liveKeep)) list.lastElementChild.remove();
      const quiet = one(".quiet-row");
      if (quiet) quiet.remove();
    });
    on("data-live-text", (place, text) => { place.textContent = text; });
    on("data-live-count", (place, text) => { place.textContent = text === "0" ? "" : text; });
    if (missed) again();
  };
  const rest = () => {
    if (!stream) return;
    stream.close();
    stream = null;
    missed = true;
    if (state) state.classList.remove("on");
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? rest() : listen()));
  addEventListener("pagehide", rest);
  addEventListener("pageshow", listen);
  listen();
}

// ---- a piece that is fetched anew as long as it says from where
const poll = async () => {
  const moving = one("[data-poll]");
  if (!moving) return;
  try {
    const answer = await fetch(moving.dataset.poll, { credentials: "same-origin" });
    if (answer.ok) one("[data-poll-place]").replaceChildren(piece(await answer.text()));
  } catch { /* a dead spot: the next time */ }
  setTimeout(poll, 1500);
};
if (one("[data-poll]")) setTimeout(poll, 1000);

// ---- a list to pick from needs no button
all("[data-submit]", (field) => field.addEventListener("change", () => field.form.requestSubmit()));

// ---- copy, share
all("[data-copy]", (button) => button.addEventListener("click", async () => {
  await navigator.clipboard.writeText(button.dataset.copy).catch(() => {});
  button.setAttribute("aria-label", button.dataset.copied);
  const words = button.lastChild;
  if (words.nodeType !== Node.TEXT_NODE) return;
  const before = words.textContent;
  words.textContent = button.dataset.copied;
  setTimeout(() => { words.textContent = before; }, 2000);
}));

all("[data-select]", (field) => field.addEventListener("focus", () => field.select()));
all("[data-print]", (button) => button.addEventListener("click", () => print()));

// ---- shipping: the carrier is guessed while the number is typed or scanned
all("[data-ship]", (form) => {
  const number = one("input[name=tracking_number]", form);
  const list = one("[data-carrier-list]", form);
  const found = one("[data-found]", form);
  let asked = "";
  let chosen = Boolean(one("input[name=carrier]:checked", form).value);
  list.addEventListener("change", (event) => { chosen = Boolean(event.target.value); });
  const choice = (carrier, checked) => {
    const label = document.createElement("label");
    const radio = document.createElement("input");
    label.className = "pick";
    Object.assign(radio, { type: "radio", name: "carrier", value: carrier.code, checked });
    label.append(radio, carrier.name);
    return label;
  };
  const guess = async () => {
    const typed = number.value.replace(/\s/g, "").toUpperCase();
    if (typed.length < 8 || typed === asked) return;
    asked = typed;
    const answer = await fetch(`${form.dataset.carriers}?number=${encodeURIComponent(typed)}`)
      .catch(() => null);
    if (!answer || !answer.ok || typed !== asked) return;
    const ranked = await answer.json();
    if (!ranked.length || chosen) return;
    found.textContent = form.dataset.guess.replace("{carrier}", ranked[0].name);
    const known = new Set(ranked.map((each) => each.code));
    const others = [...list.children].filter((each) => {
      const { value } = one("input", each);
      return value && !known.has(value);
    });
    list.replaceChildren(...ranked.map((each, at) => choice(each, at === 0)), ...others);
  };
  number.addEventListener("input", guess);
});

// ---- pictures are seen as soon as they are chosen
all("[data-preview-into]", (field) => field.addEventListener("change", () => {
  const well = field.closest(".take");
  const [file] = field.files;
  if (!file) return;
  well.querySelectorAll("img").forEach((each) => each.remove());
  const picture = document.createElement("img");
  picture.alt = "";
  picture.src = URL.createObjectURL(file);
  well.append(picture);
  if (field.files.length > 1) {
    const count = one(".count-on", well) || well.appendChild(document.createElement("span"));
    count.className = "count-on";
    count.textContent = field.files.length;
  }
  const title = one("input[name=title]");
  if (title && !title.value) title.focus();
}));
all("[data-preview]", (field) => field.addEventListener("change", () => {
  const place = one("[data-preview-here]");
  if (!field.files[0] || !place) return;
  const picture = document.createElement("img");
  picture.alt = "";
  picture.src = URL.createObjectURL(field.files[0]);
  place.replaceChildren(picture);
}));
all("[data-send-at-once]", (button) => one("input[type=file]", button.form)
  .addEventListener("change", () => button.form.requestSubmit(button)));

// ---- the dot of a colour follows what is typed, and the phone's own colour picker
all("[data-dot]", (row) => {
  const typed = one("input:not([type=color])", row);
  const picker = one("[type=color]", row);
  const show = () => {
    const text = typed.value.trim();
    const known = [...one("#palette").options].find((each) => each.value.toLowerCase() === text.toLowerCase());
    const digits = /^#?([\da-f]{6})$/i.exec(text);
    const colour = known ? known.dataset.colour : digits ? `#${digits[1]}` : "";
    one("circle", row).setAttribute("fill", colour || "none");
    if (colour) picker.value = colour;
  };
  typed.addEventListener("input", show);
  picker.addEventListener("input", () => { typed.value = picker.value; show(); });
  show();
});

// ---- what was typed and not saved is not left behind unasked
all("[data-keep]", (form) => {
  const ask = (event) => { event.preventDefault(); };
  const typed = () => addEventListener("beforeunload", ask);
  form.addEventListener("input", typed);
  if (one(".bad", form)) typed();
  form.addEventListener("submit", () => removeEventListener("beforeunload", ask));
});

// ---- web push on this phone
const bytes = (text) => Uint8Array.from(
  atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
all("[data-push]", async (card) => {
  const button = one("[data-push-on]", card);
  const says = one("[data-push-says]", card);
  if (!button) return;
  const say = (word) => { says.textContent = says.dataset[word]; };
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    button.closest(".line").hidden = true;
    say("unable");
    return;
  }
  const worker = await navigator.serviceWorker.register(card.dataset.worker);
  if (await worker.pushManager.getSubscription()) say("on");
  button.addEventListener("click", async () => {
    if (await Notification.requestPermission() !== "granted") { say("denied"); return; }
    try {
      const key = bytes(card.dataset.key);
      const subscription = await worker.pushManager
        .subscribe({ userVisibleOnly: true, applicationServerKey: key });
      const answer = await fetch(card.dataset.subscribe, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(subscription),
      });
      if (!answer.ok) throw new Error(answer.status);
      say("on");
      location.reload();
    } catch { say("failed"); }
  });
});

// ---- a long list is narrowed by what is typed above it; what was filled in stays
all("[data-narrows]", (field) => field.addEventListener("input", () => {
  const list = one(field.dataset.narrows), said = field.value.trim().toLowerCase();
  const rest = one("details", list), none = one("[data-narrowed]", list);
  const rows = [...list.querySelectorAll("[data-named]")];
  rows.forEach((row) => { row.hidden = !said.split(/\s+/).every((word) => row.dataset.named.includes(word)); });
  if (said && rest) rest.open = true;
  none.hidden = rows.some((row) => !row.hidden);
}));

// ---- where this phone is, into a field; only when it is pressed
all("[data-locate]", (button) => button.addEventListener("click", () => {
  navigator.geolocation?.getCurrentPosition(({ coords }) => {
    one(button.dataset.locate).value = `${coords.latitude.toFixed(5)}, ${coords.longitude.toFixed(5)}`;
  }, () => { one("span", button).textContent = button.dataset.failed; }, { timeout: 10000 });
}));
