// Checkout: regions as lists, a pasted address sorted out, the sum worked out anew.
(() => {
  const form = document.querySelector("[data-checkout]");
  if (!form) return;
  const field = (name) => form.elements.namedItem(name);
  let regions = null; // [[code, province, [[code, city, "01District 02District ..."]]]]
  const read = new Map(); // "province/city/district" -> how a reader of English finds it

  const json = async (address) => (await fetch(address)).json();
  const regionsOnce = async (named = "reads" in form.dataset) => { // with their names in Latin letters
    if (regions && (read.size || !named)) return regions;
    const [table, english] = await Promise.all(
      [form.dataset.regions, named && form.dataset.names].map((each) => each && json(each)));
    (english || []).forEach(([called, cities], at) => {
      const [, province, known] = table[at];
      read.set(province, called);
      known.forEach(([, city, districts], place) => {
        const [name, names] = cities[place];
        const each = names.split(",");
        read.set(`${province}/${city}`, name);
        (districts || "").split(" ").forEach((entry, row) => read.set(`${province}/${city}/${entry.replace(/^\d+/, "")}`, each[row]));
      });
    });
    regions = table;
    return regions;
  };
  const cities = (province) => (regions.find((each) => each[1] === province) ?? [0, 0, []])[2];
  const districts = (province, city) => {
    const found = cities(province).find((each) => each[1] === city);
    return found && found[2] ? found[2].split(" ").map((each) => each.replace(/^\d+/, "")) : [];
  };

  // --- city and district become lists once we know them; typing stays possible where we do not
  const asList = (name, names) => {
    const now = field(name);
    const made = document.createElement(names.length ? "select" : "input");
    if (!names.length && now.tagName === "INPUT") return;
    for (const { name: key, value } of [...now.attributes]) if (!["type", "value", "style"].includes(key)) made.setAttribute(key, value);
    if (names.length) {
      const above = name === "city" ? field("province").value : `${field("province").value}/${field("city").value}`;
      const shown = (each) => (read.get(`${above}/${each}`) ? `${read.get(`${above}/${each}`)} ${each}` : each);
      made.append(new Option(field("province").options[0].text, ""), ...names.map((each) => new Option(shown(each), each)));
      made.value = names.includes(now.value) ? now.value : names.length === 1 ? names[0] : "";
    }
    made.required = names.length > 0;
    now.replaceWith(made);
  };
  const cascade = async (from) => {
    try { await regionsOnce(); } catch { return; }
    if (from !== "city") asList("city", cities(field("province").value).map((each) => each[1]));
    asList("district", districts(field("province").value, field("city").value));
    tick();
  };
  const tick = () => {
    for (const row of form.querySelectorAll(".grp .f")) {
      const input = row.querySelector("input, select");
      row.classList.toggle("done", Boolean(input.value) && input.checkValidity() && !row.classList.contains("bad"));
    }
  };
  // a sentence under a row, until something is typed into it
  const quiet = (input) => {
    const row = input.closest(".f");
    row?.classList.remove("bad");
    input.removeAttribute("aria-invalid");
    if (row?.nextElementSibling?.matches(".err")) row.nextElementSibling.remove();
  };
  const say = (input, words) => {
    quiet(input);
    const row = input.closest(".f"), said = document.createElement("p");
    Object.assign(said, { className: "err", id: `${input.name}-problem`, textContent: words });
    said.setAttribute("role", "alert");
    row.classList.add("bad");
    row.classList.remove("done");
    row.after(said);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", said.id);
  };
  form.addEventListener("invalid", (event) => {
    if (!event.target.closest(".f")) return;
    event.preventDefault();
    say(event.target, form.dataset.missing);
    const first = form.querySelector(".grp .f.bad :is(input, select)");
    if (first === event.target) first.focus();
  }, true);
  form.addEventListener("input", (event) => {
    quiet(event.target);
    tick();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "province" || event.target.name === "city") cascade(event.target.name);
    if (event.target.name === "method") methodNamed(event.target);
    if (event.target.name === "delivery") { handOver(); reckon(); }
    if (["province", "coupon", "place"].includes(event.target.name)) reckon();
    remember();
  });

  // --- one paste, five fields
  const short = (name) => name.replace(/(特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|自治州|省|市|地区|盟)$/, "");
  const starts = (text, names) => {
    const hits = names.flatMap((name) => [[name, name], [short(name), name]]).filter(([said]) => said.length > 1 && text.startsWith(said));
    return hits.sort((a, b) => b[0].length - a[0].length)[0];
  };
  const cut = (text, hit) => (hit ? text.slice(hit[0].length).replace(/^[\s,，]+/, "") : text);
  const split = (raw) => {
    const found = {};
    let text = raw.replace(/(收货人|收件人|姓名|手机号?码?|电话|联系方式|所在地区|地区|详细地址|收货地址|地址)\s*[:：]/g, " ");
    text = text.replace(/(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)/, (_, a, b, c) => { found.phone = a + b + c; return " "; });
    const words = text.split(/[\s,，;；]+/).filter((word) => word && !/^\d{6}$/.test(word));
    const provinces = regions.map((each) => each[1]);
    let at = words.findIndex((word) => starts(word, provinces));
    if (at < 0) at = words.findIndex((word) => regions.some((each) => starts(word, each[2].map((city) => city[1]))));
    if (at >= 0) {
      const around = [...words.slice(0, at)];
      let rest = words.slice(at).join(" ");
      const province = starts(rest, provinces);
      if (province) { found.province = province[1]; rest = cut(rest, province); }
      else found.province = regions.find((each) => starts(rest, each[2].map((city) => city[1])))[1];
      const city = starts(rest, cities(found.province).map((each) => each[1]));
      found.city = city ? city[1] : cities(found.province).length === 1 ? cities(found.province)[0][1] : undefined;
      rest = cut(rest, city);
      if (found.city) {
        const district = starts(rest, districts(found.province, found.city));
        if (district) { found.district = district[1]; rest = cut(rest, district); }
      }
      found.recipient = around.find((word) => word.length < 12 && !/\d/.test(word));
      const tail = rest.split(" ");
      if (!found.recipient && tail.length > 1 && /^[\p{Script=Han}·]{2,4}$/u.test(tail.at(-1))) found.recipient = tail.pop();
      found.street = tail.join(" ");
    } else found.recipient = words.find((word) => /^[\p{Script=Han}·]{2,4}$/u.test(word));
    return found;
  };
  // in Latin letters: the parts between commas, from small to large (trade/regions.py does the same)
  const bare = (name) => name.toLowerCase().replace(/[’'`\s.-]/g, "").replace(/(.)(province|city|municipality|district|county|newarea|\d{6})+$/, "$1");
  const notName = /\d|\b(road|rd|street|st|lane|ln|avenue|ave|building|bldg|room|unit|floor|block|tower|garden|village|no|house|plaza)\b/i;
  const splitLatin = (raw) => {
    const found = {};
    const text = raw.replace(/(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)/, (_, a, b, c) => { found.phone = a + b + c; return ","; }).replace(/\b(deliver to|ship to|recipient|name|phone|tel|address)\s*[:：]/gi, " ");
    const parts = text.split(/[,;\n]+/).map((part) => part.trim()).filter((part) => part && !/^((p\.?\s?r\.?\s?)?china|\d{6})$/i.test(part));
    const take = (prefix, names) => {
      const called = (part) => names.find((name) => bare(read.get(prefix + name) ?? "") === bare(part));
      const at = parts.findLastIndex(called);
      return at < 0 ? undefined : called(parts.splice(at, 1)[0]);
    };
    found.province = take("", regions.map((each) => each[1]));
    if (found.province) {
      const known = cities(found.province).map((each) => each[1]);
      found.city = take(`${found.province}/`, known) || (known.length === 1 ? known[0] : undefined);
      if (found.city) found.district = take(`${found.province}/${found.city}/`, districts(found.province, found.city));
    }
    if (parts.length > 1 || (found.phone && !found.province)) found.recipient = parts.find((part) => part.split(/\s+/).length < 5 && !notName.test(part));
    found.street = parts.filter((part) => part !== found.recipient).join(", ");
    return found;
  };
  const kept = ["recipient", "phone", "province", "city", "district", "street"];
  const paste = form.querySelector("[data-paste]");
  const places = ["province", "city", "district", "street"];
  const typed = new Set(); // by hand, in this form
  const touched = (event) => { if (kept.includes(event.target.name)) typed.add(event.target.name); };
  for (const kind of ["input", "change"]) form.addEventListener(kind, touched);
  const isLatin = (raw) => raw && !/\p{Script=Han}/u.test(raw);
  const splitAny = (raw) => (isLatin(raw) ? splitLatin(raw) : split(raw));
  const sortOut = async () => {
    if (paste.value.trim().length < 12) return;
    const past = field("pasted_before"), latin = isLatin(paste.value);
    try { await regionsOnce(latin || isLatin(past.value) || undefined); } catch { return; }
    const before = past.value ? splitAny(past.value) : {}, found = splitAny(paste.value);
    past.value = paste.value;
    // of the text before nothing stays, nor half of an address that nobody typed here
    const moves = places.some((name) => found[name]);
    for (const name of kept) {
      const told = before[name] && field(name).value === before[name];
      if (told || (moves && places.includes(name) && !typed.has(name))) field(name).value = "";
      if (found[name]) typed.delete(name);
    }
    if (latin && found.street) field("street").value = found.street;
    for (const name of ["recipient", "phone", "province"]) if (found[name]) field(name).value = found[name];
    if (!found.province) await cascade("province");
    else {
      await cascade("province");
      if (found.city) { field("city").value = found.city; await cascade("city"); }
      if (found.district) field("district").value = found.district;
      if (found.street) field("street").value = found.street;
      reckon();
    }
    remember();
  };
  paste?.addEventListener("input", sortOut);

  // --- by hand needs no address
  const handOver = () => {
    if (!field("province")) return; // a gift: its recipient says where
    const byHand = form.querySelector('[name=delivery][value="by_hand"]')?.checked ?? false;
    for (const name of ["province", "city", "district", "street"]) field(name).required = !byHand && name !== "district";
  };

  // --- the button names the way to pay
  const methodNamed = (radio) => {
    const words = document.querySelector("[data-method-name]");
    const title = radio.closest(".meth").querySelector(".ti").textContent;
    words.textContent = words.dataset.pattern.replace("＿", title).replace("付付", "付"); // 用微信支付, said once
  };

  // --- the sum for this way of sending, from the same place that will charge it
  let asked = 0;
  const reckon = async () => {
    const mine = ++asked;
    const body = new URLSearchParams(new FormData(form));
    body.set("then", "quote");
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
      if (!answer.ok || mine !== asked) return;
      const sums = form.querySelector("[data-sums]");
      sums.innerHTML = await answer.text();
      unused(sums.querySelector("#coupon-problem"));
      for (const fee of sums.querySelectorAll("[data-fee]")) {
        const row = form.querySelector(`[name=delivery][value="${fee.value}"]`)?.closest(".meth")?.querySelector(".num");
        if (row) row.textContent = fee.textContent;
      }
      const price = sums.querySelector(".sum .price").cloneNode(true);
      price.classList.remove("p26");
      document.querySelector("[data-total]").replaceChildren(...(sums.querySelector("[data-depends]") ? [] : [price]));
    } catch { /* no signal: the page asks again when the order is placed */ }
  };

  const unused = (said) => { // its words stand below the field
    const code = field("coupon");
    if (!code) return;
    code.classList.toggle("bad", Boolean(said));
    if (said && document.activeElement === code) code.scrollIntoView({ block: "center" });
    if (said) { code.setAttribute("aria-invalid", "true"); code.setAttribute("aria-describedby", said.id); }
    else for (const name of ["aria-invalid", "aria-describedby"]) code.removeAttribute(name);
  };
  form.querySelector("[href='#coupon-code']")?.addEventListener("click", (event) => { // older browsers leave it shut
    event.preventDefault();
    field("coupon").closest("details").open = true;
    field("coupon").focus();
  });
  form.querySelector("[data-quote]")?.addEventListener("click", (event) => { event.preventDefault(); field("coupon").focus(); reckon(); });
  field("coupon")?.addEventListener("keydown", (event) => { // Enter asks about the code, it pays nothing
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); reckon(); }
  });

  // --- where the phone is, for who brings things himself; only when it is pressed
  form.querySelector("[data-locate]")?.addEventListener("click", (event) => {
    const button = event.currentTarget, words = button.querySelector("span");
    navigator.geolocation?.getCurrentPosition(({ coords }) => {
      form.querySelector("[data-spot]").value = `${coords.latitude.toFixed(5)},${coords.longitude.toFixed(5)}`;
      if (field("place")) field("place").value = "";
      words.textContent = button.dataset.done;
      reckon();
    }, () => { words.textContent = button.dataset.failed; }, { timeout: 10000 });
  });

  // --- kept on this phone only
  const remember = () => {
    if (!field("street")) return;
    try { localStorage.setItem("address", JSON.stringify(Object.fromEntries(kept.map((name) => [name, field(name).value])))); } catch { /* private window */ }
  };
  const recall = async () => {
    if (!field("province")) return;
    let known = null;
    try { known = JSON.parse(localStorage.getItem("address")); } catch { /* private window */ }
    if (!known || kept.some((name) => name !== "province" && field(name).value)) return cascade("province");
    for (const name of ["recipient", "phone", "province", "city", "district", "street"]) if (known[name]) field(name).value = known[name];
    await cascade("province");
    if (known.district) { field("city").value = known.city; await cascade("city"); field("district").value = known.district; }
  };
  handOver();
  // pasted before this script was there: nobody heard it
  recall().then(() => {
    if (paste?.value && !field("street").value) sortOut();
    else if (field("province")?.value && form.querySelector("[data-depends]")) reckon();
  });
})();
