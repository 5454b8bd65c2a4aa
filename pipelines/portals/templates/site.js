// Searching and filtering the catalog, suggestions, the site's own address in examples, dates that are over. All pages can be read without it.
"use strict";
(() => {
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const zh = document.documentElement.lang.startsWith("zh");

  // Examples and citations: where this site is. A page from disk shows its folder.
  const base = new URL(document.body.dataset.root || "./", location.href).href;
  for (const one of all(".base")) one.textContent = base;

  // Promises that are over. The day ends at the reader's midnight.
  for (const one of all("[data-due]")) {
    if (new Date(one.dateTime + "T23:59:59") < new Date()) {
      one.classList.add("late");
      one.append(" (" + one.dataset.late + ")");
    }
  }

  // Pinyin from any syllable on, each in full or by its first letters, the last as far as it is typed: `ggzxc`, `gongzi`.
  const spells = (word, syllables, at) => !word || (at < syllables.length && (syllables[at].startsWith(word) ||
    [syllables[at], syllables[at].slice(0, 1), /^[csz]h/.test(syllables[at]) ? syllables[at].slice(0, 2) : ""].some(
      (head) => head && word.startsWith(head) && spells(word.slice(head.length), syllables, at + 1))));
  const typed = (word, text) => /^[a-z0-9']{2,}$/.test(word) && (text || "").split(";").some((phrase) => {
    const syllables = phrase.split(" ").filter(Boolean);
    return syllables.some((_, at) => spells(word.replaceAll("'", ""), syllables, at));
  });
  const wordsOf = (text) => text.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);

  // Suggestions below a search box: titles that fit, by arrows and Enter or by a click. Enter alone searches.
  for (const box of all("[data-suggest]")) {
    const list = document.getElementById(box.getAttribute("aria-controls"));
    const titles = all("[role=option]", list);
    let at = -1;
    const fitting = () => titles.filter((title) => !title.hidden);
    const mark = (next) => {
      at = next;
      fitting().forEach((title, place) => title.setAttribute("aria-selected", place === at));
      const one = fitting()[at];
      if (one) { box.setAttribute("aria-activedescendant", one.id); one.scrollIntoView({ block: "nearest" }); }
      else box.removeAttribute("aria-activedescendant");
    };
    const close = () => { list.hidden = true; box.setAttribute("aria-expanded", "false"); mark(-1); };
    const open = () => {
      const words = wordsOf(box.value);
      let left = 8;
      for (const title of titles) {
        const fits = words.length && left > 0 && words.every((word) => title.dataset.title.includes(word) || typed(word, title.dataset.typed));
        title.hidden = !fits;
        left -= fits ? 1 : 0;
      }
      list.hidden = !fitting().length;
      box.setAttribute("aria-expanded", String(!list.hidden));
      mark(-1);
    };
    box.addEventListener("input", open);
    box.addEventListener("blur", close);
    box.addEventListener("keydown", (event) => {
      const many = list.hidden ? 0 : fitting().length;
      if (event.key === "Escape" && many) { event.preventDefault(); close(); }
      else if (event.key === "ArrowDown" && many) { event.preventDefault(); mark((at + 1) % many); }
      else if (event.key === "ArrowUp" && many) { event.preventDefault(); mark(at > 0 ? at - 1 : many - 1); }
      else if (event.key === "Enter" && many && at >= 0) { event.preventDefault(); location.href = fitting()[at].dataset.href; }
    });
    list.addEventListener("pointerdown", (event) => event.preventDefault());      // the box keeps the focus until the click
    for (const title of titles) title.addEventListener("click", () => { location.href = title.dataset.href; });
  }

  // The search box of any page leads to the catalog.
  for (const form of all("[data-search]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = form.querySelector("input").value.trim();
      location.href = form.getAttribute("action") + (words ? "#" + new URLSearchParams({ q: words }) : "");
      if (document.body.classList.contains("catalog")) read();
    });
  }

  const list = document.querySelector(".list");
  if (!document.body.classList.contains("catalog") || !list) return;
  const items = all(".items > li", list);
  const boxes = all(".filters input");
  const facets = [...new Set(boxes.map((box) => box.name))];
  const [query, sort] = [document.getElementById("q"), document.getElementById("sort")];
  const found = document.querySelector("[data-found]");
  const chosen = document.querySelector("[data-chosen]");
  const collator = new Intl.Collator(zh ? "zh-u-co-pinyin" : "en");

  // One flat list instead of one a field.
  const groups = all(".group");
  const flat = groups.length ? groups[0].querySelector(".items") : null;
  if (flat) {
    flat.append(...items);
    groups.forEach((group, at) => { group.querySelector("h2").remove(); if (at) group.remove(); });
  }
  all("[data-filter], .filters, .tofilters").forEach((one) => { one.hidden = false; });
  all(".items h3").forEach((one) => { const next = document.createElement("h2"); next.append(...one.childNodes); one.replaceWith(next); });

  const picked = (name) => boxes.filter((box) => box.name === name && box.checked).map((box) => box.value);
  const has = (item, name, values) => !values.length || values.some((value) => (item.dataset[name] || "").split(" ").includes(value));
  const score = (item, words) => words.reduce((sum, word) => {
    const title = item.dataset.title.includes(word) || typed(word, item.dataset.typedTitle);
    return sum < 0 || !(title || item.dataset.words.includes(word) || typed(word, item.dataset.typedRest)) ? -1 : sum + (title ? 10 : 1);
  }, 0);

  function show() {
    const words = wordsOf(query.value);
    const want = Object.fromEntries(facets.map((name) => [name, picked(name)]));
    const scores = new Map(items.map((item) => [item, score(item, words)]));
    const fits = (item, but) => scores.get(item) >= 0 && facets.every((name) => name === but || has(item, name, want[name]));
    const shown = items.filter((item) => fits(item));
    items.forEach((item) => { item.hidden = !shown.includes(item); });
    const name = (item) => item.querySelector("h2 a").textContent;
    const order = {
      "": (a, b) => scores.get(b) - scores.get(a) || collator.compare(name(a), name(b)),
      name: (a, b) => collator.compare(name(a), name(b)),
      newest: (a, b) => b.dataset.released.localeCompare(a.dataset.released) || collator.compare(name(a), name(b)),
      rows: (a, b) => b.dataset.rows - a.dataset.rows || collator.compare(name(a), name(b)),
    };
    if (flat) flat.append(...[...items].sort(order[sort.value] || order[""]));
    for (const box of boxes) {
      const count = items.filter((item) => fits(item, box.name) && has(item, box.name, [box.value])).length;
      box.parentNode.querySelector(".count").textContent = count;
      box.parentNode.classList.toggle("none", !count && !box.checked);
    }
    found.textContent = found.dataset.found.replace("{n}", shown.length).replace("{all}", items.length);
    document.querySelector("[data-none]").hidden = shown.length > 0;
    chips();
  }

  function chips() {
    chosen.replaceChildren(...boxes.filter((box) => box.checked).map((box) => {
      const chip = document.createElement("button");
      const label = box.parentNode.querySelector(".label").textContent;
      chip.type = "button";
      chip.textContent = label + " ×";
      chip.setAttribute("aria-label", chosen.dataset.remove + " " + label);
      chip.addEventListener("click", () => { box.checked = false; write(); });
      return chip;
    }));
    chosen.hidden = !chosen.childNodes.length;
  }

  // The address keeps what was chosen, so that it can be passed on.
  function write() {
    const kept = new URLSearchParams();
    if (query.value.trim()) kept.set("q", query.value.trim());
    if (sort.value) kept.set("sort", sort.value);
    for (const name of facets) if (picked(name).length) kept.set(name, picked(name).join(","));
    history.replaceState(null, "", "#" + kept);
    show();
  }

  function read() {
    const kept = new URLSearchParams(location.hash.slice(1));
    query.value = kept.get("q") || "";
    sort.value = kept.get("sort") || "";
    for (const box of boxes) box.checked = (kept.get(box.name) || "").split(",").includes(box.value);
    show();
  }

  query.addEventListener("input", write);
  sort.addEventListener("change", write);
  for (const box of boxes) box.addEventListener("change", write);
  for (const form of all("[data-filter]")) {
    form.addEventListener("submit", (event) => { event.preventDefault(); write(); });
    form.addEventListener("reset", () => setTimeout(write));
  }
  addEventListener("hashchange", read);
  read();
})();
