// The commune picker: combobox with a listbox popup (ARIA 1.2). No library, no network.
const DEBOUNCE = 120; // ms between the last keystroke and the question
const SILENCE = 10000; // ms without an answer before we say that contact is lost

const RECENT = 5; // communes that this browser remembers, and nobody else

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function render({ model, el }) {
  // Each widget has its own copy of this module: a count in it would not tell two apart.
  const id = `eo-picker-${Math.random().toString(36).slice(2, 10)}`;
  // The other picker of a page chooses the commune that is set beside the first.
  const main = model.get("role") === "commune";
  const parameter = main ? "commune" : "avec";
  const input = element("input", {
    id,
    type: "text",
    role: "combobox",
    autocomplete: "off",
    autocapitalize: "words",
    spellcheck: "false",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": `${id}-list`,
    "aria-describedby": `${id}-hint`,
  });
  const list = element("ul", {
    id: `${id}-list`,
    role: "listbox",
    class: "eo-options",
  });
  list.hidden = true;
  const message = element("p", { class: "eo-message", role: "status", "aria-live": "polite" });
  const announce = element("p", {
    class: "eo-announce",
    role: "status",
    "aria-live": "polite",
  });
  const examples = element("p", { class: "eo-examples" });
  const recent = element("p", { class: "eo-examples eo-recent" });
  recent.hidden = true;
  const here = element("button", { type: "button", class: "eo-link eo-here" });
  // Browsers tell a position to pages that nobody can have changed on the way, only.
  here.hidden = !main || !window.isSecureContext || !navigator.geolocation;
  const without = element("button", { type: "button", class: "eo-link eo-without" });
  without.hidden = true;
  el.classList.add("eo-picker");
  if (!main) el.classList.add("eo-picker-beside");
  const label = element("label", { for: id });
  const hint = element("p", { id: `${id}-hint`, class: "eo-hint" });
  const fields = [
    label,
    hint,
    element("div", { class: "eo-combo" }, input, list),
    here,
    without,
    message,
    recent,
    examples,
  ];
  // The second field is folded away until it is asked for: the answer comes first.
  const folded = element("div", { id: `${id}-folded`, class: "eo-folded" }, ...(main ? [] : fields));
  const unfold = element("button", {
    type: "button",
    class: "eo-link eo-compare",
    "aria-expanded": "false",
    "aria-controls": folded.id,
  });
  folded.hidden = true;
  function show(open) {
    folded.hidden = !open;
    unfold.setAttribute("aria-expanded", String(open));
  }
  unfold.addEventListener("click", () => {
    show(folded.hidden);
    if (!folded.hidden) input.focus();
  });
  el.replaceChildren(...(main ? fields : [unfold, folded]), announce);

  // The words come from the kernel, in the language that the address asks for.
  let words = {};
  function write() {
    words = model.get("words");
    if (!words.lang) return;
    label.textContent = main ? words.label : words.beside_label;
    hint.textContent = main ? words.hint : words.beside_hint;
    here.textContent = words.here;
    without.textContent = words.without;
    unfold.textContent = words.beside;
    if (main) document.documentElement.lang = words.lang;
    list.setAttribute("aria-label", words.offered);
    showExamples();
    showRecent();
    showCommune();
    nameMaps();
  }
  const fill = (text, ...values) => values.reduce((said, value) => said.replace("{}", value), text);

  let asked = 0; // grows with every question: a late answer to an old one is ignored
  let items = [];
  let active = -1;
  let timer = null;
  let silence = null;

  const say = (text) => {
    message.textContent = text;
  };

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function move(to) {
    if (list.hidden || !items.length) return;
    active = (to + items.length) % items.length;
    [...list.children].forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === active));
    });
    const option = list.children[active];
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function open(found) {
    items = found;
    list.replaceChildren(
      ...items.map((item, index) => {
        const option = element(
          "li",
          { id: `${id}-option-${index}`, role: "option", "aria-selected": "false" },
          element("strong", {}, item.name),
          ` – ${item.label}`,
        );
        option.addEventListener("mousedown", (event) => {
          event.preventDefault(); // keep the focus in the field
          pick(item);
        });
        return option;
      }),
    );
    list.hidden = items.length === 0;
    active = -1;
    input.setAttribute("aria-expanded", String(items.length > 0));
    input.removeAttribute("aria-activedescendant");
    if (items.length) move(0);
  }

  function expectAnswer() {
    clearTimeout(silence);
    silence = setTimeout(() => {
      say(`${words.lost} `);
      message.append(element("a", { href: window.location.href }, words.reload));
    }, SILENCE);
  }

  function search() {
    const query = input.value.trim();
    asked += 1;
    if (!query) {
      clearTimeout(silence);
      close();
      say("");
      return;
    }
    expectAnswer();
    model.send({ kind: "search", id: asked, query });
  }

  // « ?commune=35236&flood.rise=0.5 »: a control is written as theme.name.
  function addressSettings() {
    const settings = {};
    for (const [key, value] of new URL(window.location.href).searchParams) {
      const [theme, name] = key.split(".");
      if (name) (settings[theme] ??= {})[name] = value;
    }
    return settings;
  }

  function withSettings(address, settings) {
    for (const key of [...address.searchParams.keys()]) {
      if (key.includes(".")) address.searchParams.delete(key);
    }
    for (const [theme, moved] of Object.entries(settings)) {
      for (const [name, value] of Object.entries(moved)) {
        address.searchParams.set(`${theme}.${name}`, value);
      }
    }
    return address;
  }

  function showSettings() {
    const now = window.location.href;
    const address = withSettings(new URL(now), model.get("settings"));
    // Not pushed: going back leads to the commune before, not through each move of a slider.
    if (main && address.href !== now) window.history.replaceState(window.history.state, "", address);
  }

  function pick(item, remember = true) {
    clearTimeout(timer);
    asked += 1; // answers still on their way belong to the past
    close();
    say("");
    input.value = item.name ?? "";
    if (remember) {
      const address = withSettings(new URL(window.location.href), {});
      if (item.insee) address.searchParams.set(parameter, item.insee);
      else address.searchParams.delete(parameter);
      window.history.pushState({ eo: item }, "", address);
    }
    if (item.insee) expectAnswer();
    model.send({ kind: "pick", insee: item.insee, settings: addressSettings() });
  }

  // Communes seen lately stay in this browser: the server is told nothing.
  const kept = () => `eo-communes-${model.get("demonstration") ? "demo" : "real"}`;
  function recents() {
    try {
      const told = JSON.parse(window.localStorage.getItem(kept()) ?? "[]");
      return Array.isArray(told) ? told.filter((one) => one?.insee && one?.name) : [];
    } catch {
      return []; // storage refused, or written by something else
    }
  }
  function remember(list) {
    try {
      if (list.length) window.localStorage.setItem(kept(), JSON.stringify(list.slice(0, RECENT)));
      else window.localStorage.removeItem(kept());
    } catch {
      recent.hidden = true; // this browser keeps nothing: there is nothing to offer
    }
  }
  function chips(offered) {
    return offered.flatMap((item, index) => {
      const button = element("button", { type: "button", class: "eo-link" }, item.name);
      button.addEventListener("click", () => pick(item));
      return index ? [", ", button] : [button];
    });
  }
  function showRecent() {
    const shown = model.get("shown").insee;
    const seen = recents().filter((one) => one.insee !== shown);
    recent.hidden = !seen.length || !words.lang;
    if (recent.hidden) return;
    recent.replaceChildren(`${words.recent} `, ...chips(seen));
    if (!main) return;
    const forget = element("button", { type: "button", class: "eo-link" }, words.forget);
    forget.addEventListener("click", () => {
      remember([]);
      showRecent();
      input.focus();
    });
    recent.append(" – ", forget);
  }

  here.addEventListener("click", () => {
    say(words.looking);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        expectAnswer();
        model.send({ kind: "here", lat: coords.latitude, lon: coords.longitude });
      },
      () => say(words.nowhere),
      { timeout: 15000, maximumAge: 600000 },
    );
  });

  without.addEventListener("click", () => {
    pick({ insee: "", name: "" });
    input.focus();
  });

  input.addEventListener("input", () => {
    clearTimeout(timer);
    asked += 1;
    timer = setTimeout(search, DEBOUNCE);
  });
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const open = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (open) move(active + (event.key === "ArrowDown" ? 1 : -1));
      else search();
    } else if (open && event.key === "Home") {
      event.preventDefault();
      move(0);
    } else if (open && event.key === "End") {
      event.preventDefault();
      move(items.length - 1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open && active >= 0) pick(items[active]);
      else search();
    } else if (event.key === "Escape") {
      if (open) close();
      else {
        input.value = "";
        say("");
      }
    }
  });

  model.on("msg:custom", (answer) => {
    if (answer.kind === "here") {
      clearTimeout(silence);
      if (answer.item) pick(answer.item);
      else say(answer.message);
      return;
    }
    if (answer.kind !== "results" || answer.id !== asked) return;
    clearTimeout(silence);
    open(answer.items);
    say(answer.message);
  });

  function showExamples() {
    const offered = model.get("examples");
    examples.hidden = !offered.length;
    examples.replaceChildren(
      `${model.get("demonstration") ? words.fictional : words.examples} `,
      ...chips(offered),
    );
  }

  function showStatus() {
    clearTimeout(silence);
    announce.textContent = model.get("status");
    nameMaps();
  }

  // A map takes the focus (arrows move it): it must say what it is, and what it shows.
  function nameMaps() {
    for (const theme of document.querySelectorAll(".eo-theme")) {
      const map = theme.querySelector(".leaflet-container");
      if (!map) continue;
      const title = theme.querySelector("h2")?.textContent ?? "";
      const shown = theme.querySelector(".eo-caption")?.textContent;
      map.setAttribute("role", "region");
      map.setAttribute("aria-label", shown ? fill(words.map_of, title, shown) : fill(words.map, title));
      const told = theme.querySelector(".eo-alt");
      if (told) map.setAttribute("aria-description", told.textContent);
      else map.removeAttribute("aria-description");
    }
  }

  function showCommune() {
    clearTimeout(silence);
    const shown = model.get("shown");
    if (main) document.title = shown.name ? `${shown.name} – ${words.title}` : words.title;
    without.hidden = main || !shown.name;
    if (shown.name) show(true);
    if (shown.name && main) remember([shown, ...recents().filter((one) => one.insee !== shown.insee)]);
    showRecent();
    if (!shown.name && main) return;
    if (document.activeElement !== input) input.value = shown.name ?? "";
  }

  // The maps are framed by the kernel, which must know how wide the page is.
  let width = 0;
  let resizing = null;
  function tellWidth() {
    const now = document.documentElement.clientWidth;
    if (now === width) return;
    width = now;
    model.send({ kind: "width", value: width });
  }
  const onResize = () => {
    clearTimeout(resizing);
    resizing = setTimeout(tellWidth, 300);
  };

  // One word where the online basemap cannot be had; the map itself stays readable.
  const onError = (event) => {
    if (event.target instanceof HTMLImageElement && event.target.matches(".leaflet-tile")) {
      document.documentElement.classList.add("eo-no-tiles");
    }
  };

  // A theme that failed offers to ask again: the same commune, without a new address.
  const onRetry = (event) => {
    const { insee, name } = model.get("shown");
    if (insee && event.target.closest?.(".eo-retry")) pick({ insee, name }, false);
  };

  const onBack = () => {
    const insee = new URL(window.location.href).searchParams.get(parameter) ?? "";
    const shown = model.get("shown");
    // The first picker's theme settings belong to the address: it asks again in any case.
    if (insee ? main || insee !== shown.insee : !main && shown.insee) {
      pick({ insee, name: shown.insee === insee ? shown.name : "" }, false);
    }
  };
  window.addEventListener("popstate", onBack);

  // Voilà's shell takes the cells out of the page: what it shows is the main content.
  function landmark() {
    if (!el.isConnected) {
      requestAnimationFrame(landmark);
      return;
    }
    const page = el.closest(".eo-page");
    if (!page || !document.body.dataset.voila) return;
    document.getElementById("contenu")?.removeAttribute("id");
    document.getElementById("voila-top-panel")?.removeAttribute("role");
    page.id = "contenu";
    page.tabIndex = -1;
    page.setAttribute("role", "main");
  }

  model.on("change:words", write);
  model.on("change:examples", showExamples);
  model.on("change:demonstration", () => {
    showExamples();
    showRecent();
  });
  model.on("change:status", showStatus);
  model.on("change:shown", showCommune);
  model.on("change:settings", showSettings);
  write();
  showStatus();
  if (main) {
    const asked = new URL(window.location.href).searchParams.get("lang") ?? "fr";
    model.send({ kind: "lang", value: asked });
    landmark();
    tellWidth();
    window.addEventListener("resize", onResize);
    document.addEventListener("error", onError, true);
    document.addEventListener("click", onRetry);
    document.getElementById("eo-loading")?.remove();
  }
  onBack(); // the address may name a commune already

  return () => {
    window.removeEventListener("resize", onResize);
    window.removeEventListener("popstate", onBack);
    document.removeEventListener("click", onRetry);
    document.removeEventListener("error", onError, true);
    clearTimeout(timer);
    clearTimeout(silence);
    clearTimeout(resizing);
  };
}

export default { render };
