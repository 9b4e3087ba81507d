// Photos on a slow line: how far they are; when it breaks, all that was typed is still here. For
// every form[data-upload] with a [data-sending] in it; without this file the browser sends it.
(() => {
const SILENCE = 90_000; // without a sign of life for so long, the line counts as broken
const one = (where, inside = document) => inside.querySelector(where);
const unsent = (form) => {
  delete form.dataset.sent;
  form.querySelectorAll("[aria-busy]").forEach((each) => each.removeAttribute("aria-busy"));
};
// photos as they were chosen: seen at once, added to by choosing again, taken out by a tap
const seen = (field) => {
  let chosen = [];
  const row = document.createElement("p");
  row.className = "proofs";
  row.hidden = true;
  field.closest("label").after(row);
  field.classList.add("vh");
  const draw = () => {
    const held = new DataTransfer();
    chosen.forEach((file) => held.items.add(file));
    field.files = held.files;
    row.hidden = !chosen.length;
    row.querySelectorAll("img").forEach((each) => URL.revokeObjectURL(each.src));
    row.replaceChildren(...chosen.map((file, at) => {
      const taken = document.createElement("button"), picture = document.createElement("img");
      Object.assign(taken, { type: "button", className: "proof" });
      taken.setAttribute("aria-label", field.dataset.proofs.replace("{number}", at + 1));
      Object.assign(picture, { alt: "", src: URL.createObjectURL(file) });
      taken.append(picture);
      taken.addEventListener("click", () => { chosen.splice(at, 1); draw(); });
      return taken;
    }));
  };
  field.addEventListener("change", () => {
    const known = new Set(chosen.map((each) => `${each.name}/${each.size}/${each.lastModified}`));
    if (!field.multiple && field.files.length) chosen = [];
    chosen.push(...[...field.files].filter((each) => !known.has(`${each.name}/${each.size}/${each.lastModified}`)));
    draw();
  });
};
const show = (form) => {
  form.querySelectorAll("[data-proofs]").forEach(seen);
  const told = one("[data-sending]", form);
  if (!told) return;
  const words = one("[data-sending-words]", told);
  const bar = one("progress", told);
  const again = one("[data-send-again]", told);
  let pressed = null;
  let asked = "";
  let busy = false;
  const say = (text) => { words.textContent = text; };
  const stop = (text) => {
    say(text);
    told.classList.add("broken");
    again.hidden = false;
    busy = false;
    unsent(form);
    form.dispatchEvent(new Event("input", { bubbles: true })); // leaving asks again
    again.focus();
  };
  const arrived = (wire) => {
    const there = wire.getResponseHeader("hx-redirect");
    if (there) {
      const next = new URL(there, location.href);
      const stays = next.pathname + next.search === location.pathname + location.search;
      location.assign(next);
      if (stays && next.hash) location.reload();
      return;
    }
    const page = new DOMParser().parseFromString(wire.responseText, "text/html");
    const fresh = one("#main", page);
    if (fresh && wire.responseURL === asked && one("form[data-upload]", fresh)) {
      const main = one("#main"); // the same form with what is wrong
      main.replaceChildren(...fresh.childNodes);
      main.querySelectorAll("form[data-upload]").forEach(show);
      main.dispatchEvent(new Event("fresh", { bubbles: true }));
      (one("[autofocus]", main) || one(".wrong, .flash", main) || main).scrollIntoView({ block: "center" });
    } else if (wire.status < 400) location.assign(wire.responseURL);
    else stop([...page.querySelectorAll("main h1, main h1 ~ p")].map((each) => each.textContent).join(" "));
  };
  const send = () => {
    const wire = new XMLHttpRequest();
    const load = new FormData(form);
    if (pressed && pressed.name) load.append(pressed.name, pressed.value);
    asked = pressed && pressed.hasAttribute("formaction") ? pressed.formAction : form.action;
    let watch = 0;
    const alive = () => { clearTimeout(watch); watch = setTimeout(() => wire.abort(), SILENCE); };
    const way = (part) => {
      alive();
      bar.value = Math.floor(part * 100);
      say(told.dataset.way.replace("{percent}", bar.value));
    };
    wire.upload.addEventListener("progress", (event) => way(event.loaded / event.total));
    wire.upload.addEventListener("load", () => { way(1); say(told.dataset.there); });
    wire.addEventListener("loadend", () => {
      clearTimeout(watch);
      if (wire.status && wire.status < 502) arrived(wire);
      else stop(told.dataset.broken);
    });
    wire.open("POST", asked);
    wire.setRequestHeader("hx-request", "true");
    told.classList.remove("broken");
    told.hidden = false;
    again.hidden = true;
    way(0);
    wire.send(load);
  };
  form.addEventListener("submit", (event) => {
    const photos = [...form.elements].some((each) => each.type === "file" && each.files.length);
    if (busy) event.preventDefault();
    if (busy || form.dataset.sent || !photos) return;
    event.preventDefault();
    busy = true;
    pressed = event.submitter;
    send();
  });
  again.addEventListener("click", () => { busy = true; send(); });
};
document.querySelectorAll("form[data-upload]").forEach(show);
})();
