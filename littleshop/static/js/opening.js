// Signing in and opening: what is nicer with JavaScript. Everything works without this file.
"use strict";
const root = document.documentElement;
root.classList.add("js");
const kinds = [];
const all = (where, each) => {
  kinds.push([where, each]);
  document.querySelectorAll(where).forEach(each);
};
// a form that was sent by sending.js comes back with what is wrong
document.addEventListener("fresh", (event) => kinds.forEach(([where, each]) =>
  event.target.querySelectorAll(where).forEach(each)));

// a form that creates something is sent once, however often it is pressed
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  const button = event.submitter;
  if (button) button.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => {
  delete form.dataset.sent;
  form.querySelectorAll("[aria-busy]").forEach((each) => each.removeAttribute("aria-busy"));
}));

// "send again" counts down and then becomes a button that works
all("[data-resend]", (button) => {
  let left = Number(button.dataset.resend);
  const show = () => {
    button.disabled = left > 0;
    button.textContent = left > 0
      ? button.dataset.resendText.replace("{seconds}", left) : button.dataset.resendNow;
  };
  show();
  const timer = setInterval(() => { left -= 1; show(); if (left <= 0) clearInterval(timer); }, 1000);
});

// six digits are a code: no need to press
all(".code-field input", (field) => field.addEventListener("input", () => {
  field.value = field.value.replace(/\D/g, "").slice(0, 6);
  if (field.value.length === 6) field.form.requestSubmit();
}));

// the ID number: counted, the X key inside, the birthday read back
const born = (digits) => {
  const found = /^\d{6}(\d{4})(\d\d)(\d\d)/.exec(digits);
  if (!found) return null;
  const [year, month, day] = found.slice(1).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  const real = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real && year > 1900 && date < Date.now() ? date : null;
};
all(".id-field input", (field) => {
  const back = document.querySelector("[data-born]");
  const count = document.querySelector("[data-count-to]");
  const show = () => {
    const text = field.value.toUpperCase().replace(/[^0-9A-Z]/g, "").slice(0, 18);
    if (/^\d*X?$/.test(text) && (document.activeElement !== field
      || field.selectionStart === field.value.length)) {
      field.value = text.replace(/^(\d{6})(?=.)/, "$1 ").replace(/^(.{7}\d{8})(?=.)/, "$1 ");
    }
    if (count) count.textContent = `${text.length} / ${count.dataset.countTo}`;
    const date = born(text);
    const left = 18 - text.length;
    const words = [];
    if (date) {
      const said = new Intl.DateTimeFormat(root.lang === "en" ? "en-GB" : root.lang,
        { dateStyle: "long", timeZone: "UTC" }).format(date);
      words.push(back.dataset.born.replace("{date}", said));
    }
    if (text.length >= 14 && left > 0) words.push(back.dataset.left.replace("{left}", left));
    back.textContent = words.join(root.lang.startsWith("zh") ? "，" : ", ");
    back.classList.toggle("ticked", Boolean(date));
  };
  field.addEventListener("input", show);
  if (field.value || !back.textContent.trim()) show();
});
all("[data-types]", (key) => key.addEventListener("click", () => {
  const field = key.parentElement.querySelector("input");
  field.value += key.dataset.types;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}));

// the card number in groups of four; its bank is asked for by the first digits only
all(".card-field input", (field) => {
  const back = document.querySelector("[data-bank-url]");
  let asked = "";
  field.addEventListener("input", async () => {
    const digits = field.value.replace(/\D/g, "").slice(0, 19);
    if (field.selectionStart === field.value.length) {
      field.value = digits.replace(/(\d{4})(?=\d)/g, "$1 ");
    }
    const bin = digits.slice(0, 8);
    if (digits.length < 6 || bin === asked) return;
    asked = bin;
    const answer = await fetch(`${back.dataset.bankUrl}?bin=${bin}`).catch(() => null);
    if (asked !== bin || !answer) return;
    if (!answer.ok) { back.textContent = ""; back.className = "readback"; return; }
    const bank = await answer.json();
    back.textContent = bank.credit ? back.dataset.credit : back.dataset.bank.replace("{bank}", bank.name);
    back.className = bank.credit ? "readback plum" : "readback ticked";
  });
});

// a chosen picture is seen at once
all("[data-preview]", (field) => field.addEventListener("change", () => {
  const well = field.closest(".paper-pic").querySelector(".well");
  const [file] = field.files;
  if (!file) return;
  const picture = well.querySelector("img") || well.appendChild(document.createElement("img"));
  picture.alt = "";
  picture.src = URL.createObjectURL(file);
}));

// copy, select, share
all("[data-select]", (field) => field.addEventListener("focus", () => field.select()));
all("[data-copy]", (button) => button.addEventListener("click", async () => {
  await navigator.clipboard.writeText(button.dataset.copy).catch(() => {});
  const words = button.lastChild;
  const before = words.textContent;
  words.textContent = button.dataset.copied;
  setTimeout(() => { words.textContent = before; }, 2000);
}));
all("[data-share-url]", (button) => {
  if (!navigator.share) return;
  button.hidden = false;
  const { shareUrl: url, shareTitle: title, shareText: text } = button.dataset;
  button.addEventListener("click", () => navigator.share({ url, title, text }).catch(() => {}));
});
