// Small helps on a buyer's page; everything works without them.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector, from = document) => from.querySelector(selector);

  // --- pieces: what differs from visitor to visitor comes after the shared page
  const spread = (piece) => {
    const basket = one("[data-basket]", piece);
    const dot = one("[data-basket-dot]");
    if (basket && dot) {
      dot.textContent = basket.dataset.basket;
      dot.hidden = basket.dataset.basket === "0";
    }
    for (const told of all("[data-left-of]", piece)) {
      const place = one(`[data-left="${CSS.escape(told.dataset.leftOf)}"]`);
      if (place) { place.textContent = told.textContent; place.hidden = false; }
    }
    const greeting = one("[data-greeting]", piece);
    const greet = one("[data-greet]");
    if (greeting && greet) { greet.textContent = greeting.textContent; greet.hidden = false; }
    const own = one("[data-own]", piece);
    const ownPlace = one("[data-own-place]");
    if (own && ownPlace) { ownPlace.textContent = own.textContent; ownPlace.hidden = false; }
    const talk = one("[data-talk-new]", piece);
    const unread = one("[data-talk-dot]");
    if (talk && unread) { unread.textContent = talk.textContent; unread.hidden = false; }
    const follows = one("[data-follows]", piece);
    const follow = one("[data-follow]");
    if (follows && follow) follow.replaceChildren(...follows.childNodes);
    document.dispatchEvent(new Event("piece"));
  };
  const fetchPiece = async (url, options = {}) => {
    const answer = await fetch(url, { ...options, headers: { "HX-Request": "true", ...options.headers } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  };
  const load = async (place) => {
    try {
      const text = await fetchPiece(place.dataset.piece);
      if (text.trim() !== place.dataset.was) { place.innerHTML = text; place.dataset.was = text.trim(); spread(place); ready(place); }
      const onward = one("[data-go]", place);
      if (onward) { one("[data-while-waiting]")?.remove(); delete place.dataset.every; setTimeout(() => location.assign(onward.href), 1200); }
      if (one('[data-state="closed"]', place)) { one("[data-while-waiting]")?.remove(); delete place.dataset.every; }
    } catch { /* no signal: the page as it stands is still true, the next round tries again */ }
    const every = Number(place.dataset.every);
    if (every) setTimeout(() => (document.hidden ? wake(place) : load(place)), every * 1000);
  };
  const wake = (place) => document.addEventListener("visibilitychange", () => load(place), { once: true });
  for (const place of all("[data-piece]")) {
    if ("later" in place.dataset) setTimeout(() => load(place), Number(place.dataset.every || 1) * 1000);
    else load(place);
  }

  // --- six digits are a code: no need to press
  for (const field of all('input[autocomplete="one-time-code"]')) {
    field.addEventListener("input", () => {
      const digits = field.value.replace(/\D/g, "");
      if (digits.length !== 6 || field.dataset.sent) return;
      field.value = digits; field.dataset.sent = "1"; field.form.requestSubmit();
    });
    addEventListener("pageshow", () => delete field.dataset.sent);
  }

  // --- pictures: which one of how many, and arrows for a mouse
  for (const gallery of all("[data-gallery]")) {
    const film = one(".film", gallery);
    const at = one("[data-at]", gallery);
    if (!film || !at) continue;
    film.addEventListener("scroll", () => { at.textContent = Math.round(film.scrollLeft / film.clientWidth) + 1; }, { passive: true });
    for (const turn of all("[data-turn]", gallery))
      turn.addEventListener("click", () => film.scrollBy({ left: film.clientWidth * Number(turn.dataset.turn) }));
  }

  // --- choices of a product: price, what is left, what is gone in this combination
  for (const form of all("[data-picker]")) {
    const variants = JSON.parse(one("[data-variants]", form).textContent);
    const groups = all("fieldset", form);
    const picked = () => groups.map((group) => one("input:checked", group)?.value);
    const priced = ([sign, whole, cents]) => all("[data-price] .price").forEach((price) => {
      const sum = [Object.assign(document.createElement("i"), { textContent: sign }), whole];
      if (cents) sum.push(Object.assign(document.createElement("small"), { textContent: cents }));
      price.replaceChildren(...sum);
    });
    const show = () => {
      const values = picked();
      groups.forEach((group, axis) => {
        one("[data-chosen]", group).textContent = values[axis] ?? "";
        for (const input of all("input", group)) {
          const wish = values.map((value, at) => (at === axis ? input.value : value));
          const fit = variants.find((variant) => variant.options.every((value, at) => value === wish[at]));
          input.closest(".pill").classList.toggle("gone", !fit || fit.gone);
        }
      });
      const variant = variants.find((each) => each.options.every((value, at) => value === values[at])) ?? variants[0];
      if (!variant) return;
      priced(variant.price);
      const team = one("[data-team] a");
      if (team) team.search = `?kind=${variant.id}`;
      const left = one(`[data-left-of="${CSS.escape(variant.id)}"]`);
      const here = one("[data-left-here]", form);
      if (here) here.textContent = left ? left.textContent : "";
    };
    form.addEventListener("change", show);
    document.addEventListener("piece", show);
    show();
  }

  // --- sharing
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      try { await navigator.clipboard.writeText(copy.dataset.copy); }
      catch { const field = one("[data-link-field]"); field?.select(); document.execCommand("copy"); }
      const words = one("span", copy);
      if (words) words.textContent = copy.dataset.copied; else copy.setAttribute("aria-label", copy.dataset.copied);
      copy.classList.add("jade");
      return;
    }
    const send = event.target.closest("[data-share-system]");
    if (send) {
      navigator.share(sendable(send)).catch(() => {});
      return;
    }
    const opener = event.target.closest("a[data-dialog]");
    const alone = /MicroMessenger/i.test(navigator.userAgent) && "sheet" in (opener?.dataset ?? {});
    if (opener && !alone && window.HTMLDialogElement && !event.metaKey && !event.ctrlKey) {
      event.preventDefault();
      try { open(await fetchPiece(opener.href), opener.dataset.dialog); } catch { location.assign(opener.href); }
    }
  });
  const open = (html, label) => {
    const dialog = document.createElement("dialog");
    dialog.innerHTML = html;
    const close = document.createElement("button");
    close.className = "ib";
    const drawing = one("svg.ic").cloneNode(true);
    drawing.firstElementChild.setAttribute("href", one("use", drawing).getAttribute("href").replace(/#.*/, "#x"));
    close.append(drawing);
    close.setAttribute("aria-label", label);
    close.addEventListener("click", () => dialog.close());
    dialog.prepend(close);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    ready(dialog);
    dialog.showModal();
  };
  const sendable = (button) => {
    const { title, text, link } = button.closest("[data-share]").dataset;
    return { title, text, url: button.dataset.shareSystem || link };
  };
  const ready = (within) => {
    for (const button of all("[data-share-system]", within))
      button.hidden = !navigator.share || Boolean(navigator.canShare && !navigator.canShare(sendable(button)));
  };
  ready(document);

  // --- a second press must not send a second form
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    event.submitter?.setAttribute("aria-busy", "true");
    setTimeout(() => { delete form.dataset.sent; event.submitter?.removeAttribute("aria-busy"); }, 8000);
  });
  addEventListener("pageshow", () => {
    for (const form of all("form")) delete form.dataset.sent;
    for (const busy of all("[aria-busy]")) busy.removeAttribute("aria-busy");
  });
})();
