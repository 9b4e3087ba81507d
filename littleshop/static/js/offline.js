// Where there is no signal: what is done is told to the service worker beside the form itself, a
// strip says what waits, and the page of the queue lets the seller choose where two changed one thing.
"use strict";
(() => {
document.documentElement.classList.add("js");
if (!("serviceWorker" in navigator)) return;
const one = (where, inside = document) => inside.querySelector(where);
const strip = one("[data-dead-spot]");
let known = [], gone = [], shops = {};

const say = async (told) => {
  const { active } = await navigator.serviceWorker.ready;
  return new Promise((resolve) => {
    const wire = new MessageChannel();
    wire.port1.onmessage = resolve;
    setTimeout(resolve, 2000);
    active.postMessage(told, [wire.port2]);
  });
};

// ---- "online" comes before the network is really there, and not every browser sends in the
// background: while something waits and the page stands, it is tried again, ever more rarely
const SOON = 2000, SELDOM = 60000;
let pause = SOON, again = 0;
const insist = () => {
  clearTimeout(again);
  if (!navigator.onLine || !known.some((each) => each.state === "waiting")) { pause = SOON; return; }
  again = setTimeout(() => {
    pause = Math.min(2 * pause, SELDOM);
    say({ say: "replay" }).then(insist);
  }, pause);
};

// ---- the strip
const fill = (text, count) => text.replace("{count}", count);
const draw = () => {
  list();
  if (!strip) return;
  const waiting = known.filter((each) => ["waiting", "sign_in"].includes(each.state)).length;
  const stuck = known.length - waiting;
  strip.hidden = navigator.onLine && !known.length;
  one("span", strip).textContent = stuck ? fill(strip.dataset.look, stuck)
    : waiting ? fill(strip.dataset.waits, waiting) : strip.dataset.off;
};

// ---- the queue, on its own page
const list = () => {
  const place = one("[data-queue]");
  if (!place) return;
  const { words } = place.dataset, told = JSON.parse(words);
  one("[data-queue-none]").hidden = Boolean(known.length + gone.length);
  const ready = { state: "sent" };
  place.replaceChildren(...[...gone.map((each) => ({ ...each, ...ready })), ...known].map((each) => {
    const row = one("[data-queue-row]").content.firstElementChild.cloneNode(true);
    const { act } = each;
    const what = act.kind === "ship" ? told.ship.replace("{order}", act.order).replace("{number}", act.number)
      : told[act.kind].replace("{title}", act.title || "").replace("{seen}", act.seen).replace("{wanted}", act.wanted);
    const name = Object.keys(shops).length > 1 && shops[each.root];
    one("[data-what]", row).textContent = name ? `${name} · ${what}` : what;
    one("[data-says]", row).textContent = each.says || told[each.state] || told.waiting;
    const mine = one("[data-mine]", row), theirs = one("[data-theirs]", row);
    mine.hidden = each.state !== "conflict" || act.kind === "ship";
    theirs.hidden = ["waiting", "sign_in", "sent"].includes(each.state);
    if (!mine.hidden) mine.textContent = told.mine.replace("{wanted}", act.wanted);
    theirs.textContent = mine.hidden ? told.drop : told.theirs.replace("{now}", each.now);
    mine.addEventListener("click", () => say({ say: "choose", place: each.place, mine: true }));
    theirs.addEventListener("click", () => say({ say: "choose", place: each.place, mine: false }));
    return row;
  }));
};
// The page stands at the address that could not be had, or was led to from a shop's page: that shop
// is meant. Where nothing says which, its seller does.
const ROOT = /^#?(\/console\/\d+)(?:\/|$)/;
const here = (ROOT.exec(location.pathname) || ROOT.exec(location.hash) || [])[1];
const form = one("[data-queue-ship]");
const place = () => {
  if (!form) return;
  const back = one("[data-queue-back]"), shop = one("[name=shop]", form);
  const on = one("[data-queue-on]");
  on.hidden = back.hidden = !navigator.onLine; // where there is no signal it would lead here again
  on.href = here ? `${here}/orders` : "/console";
  back.href = location.pathname === "/offline" ? here || "/console"
    : location.pathname.replace(/\/parcels$/, "");
  const roots = here ? [here] : Object.keys(shops), chosen = shop.value;
  shop.replaceChildren(...roots.map((root) => new Option(shops[root] || root.slice(9), root)));
  if (roots.includes(chosen)) shop.value = chosen;
  one("[data-queue-shop]", form).hidden = roots.length < 2 && Object.keys(shops).length < 2;
  one("button", form).disabled = !roots.length;
};
if (form) form.addEventListener("submit", (event) => {
  event.preventDefault();
  const told = new FormData(form);
  const order = String(told.get("order")).replace(/\D/g, "");
  const number = String(told.get("number")).replace(/\s/g, "").toUpperCase();
  if (!order || number.length < 6) return;
  say({ say: "add", root: told.get("shop"), acts: [{ kind: "ship", order, number, carrier: "" }] });
  form.querySelectorAll("input").forEach((each) => { each.value = ""; });
  one("input", form).focus();
});

// ---- what a form does, told beside its fields: read only where the form itself cannot be sent
const shipped = (sent, order) => sent.querySelector("[name=some]") ? [] : [{
  kind: "ship", order,
  number: one("[name=tracking_number]", sent).value.replace(/\s/g, "").toUpperCase(),
  carrier: (one("[name=carrier]:checked", sent) || { value: "" }).value,
}];
const changed = (sent, product) => {
  const title = (one("[name=title]", sent) || { defaultValue: "" }).defaultValue.slice(0, 40);
  const acts = [];
  const look = (kind, field, choice) => {
    if (field && field.value.trim() !== field.defaultValue.trim()) {
      const [seen, wanted] = [field.defaultValue.trim(), field.value.trim()];
      acts.push({ kind, product, title, choice, seen, wanted });
    }
  };
  look("price", one("[name=price]", sent), []);
  look("stock", one("[name=stock]", sent), []);
  sent.querySelectorAll("[name^=variant-][name$=-key]").forEach((key) => {
    const row = key.name.replace(/-key$/, ""), choice = JSON.parse(key.value);
    for (const kind of ["price", "stock"]) look(kind, one(`[name=${row}-${kind}]`, sent), choice);
  });
  return acts;
};
document.addEventListener("submit", (event) => {
  const sent = event.target, { pathname } = new URL(sent.action, location.href);
  const order = /^\/console\/\d+\/orders\/(\d+)\/parcels$/.exec(pathname);
  const product = /^\/console\/\d+\/goods\/([0-9a-f-]{36})$/.exec(pathname);
  if (!order && !product) return;
  const acts = order ? shipped(sent, order[1]) : changed(sent, product[1]);
  const held = one("input[name=offline]", sent) || document.createElement("input");
  Object.assign(held, { type: "hidden", name: "offline", value: JSON.stringify({ who: strip && strip.dataset.who, acts }) });
  sent.append(held);
}, true);

// ---- who signs out leaves nothing behind for the next one
document.addEventListener("submit", async (event) => {
  const sent = event.target;
  if (new URL(sent.action, location.href).pathname !== "/sign-out" || sent.dataset.left) return;
  event.preventDefault();
  const words = strip && fill(strip.dataset.leave, known.length);
  if (known.length && strip && !window.confirm(words)) return;
  await say({ say: "forget" });
  sent.dataset.left = "1";
  sent.submit();
});

navigator.serviceWorker.addEventListener("message", (event) => {
  if (!event.data || event.data.kind !== "offline") return;
  known = event.data.acts;
  gone = event.data.sent || [];
  shops = event.data.shops;
  place();
  draw();
  insist();
});
addEventListener("online", () => { place(); draw(); pause = SOON; say({ say: "replay" }).then(insist); });
addEventListener("offline", () => { place(); draw(); });
document.addEventListener("fresh", () => draw());
navigator.serviceWorker.register("/sw.js").then(() => {
  const { who, root, name } = strip ? strip.dataset : {};
  if (who && navigator.onLine) say({ say: "hello", who, root, name, lang: document.documentElement.lang });
  say({ say: "state" });
}).catch(() => {});
place();
draw();
})();
