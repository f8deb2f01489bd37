// A curtain between the two topmost pictures of the panel's map. No library, no network.
const PATIENCE = 50; // ms between two looks for pictures that are still being added

function render({ model, el }) {
  el.classList.add("eo-curtain");
  const words = model.get("words");
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = "0";
  slider.max = "100";
  slider.step = "1";
  slider.setAttribute("aria-label", words.label);
  const before = document.createElement("span");
  before.textContent = words.before;
  const after = document.createElement("span");
  after.textContent = words.after;
  el.replaceChildren(before, slider, after);

  const line = document.createElement("div");
  line.className = "eo-curtain-line";
  line.setAttribute("aria-hidden", "true");
  let top = null;
  let timer = null;

  const watch = new MutationObserver(() => place());

  function place() {
    const map = el.closest(".eo-theme")?.querySelector(".leaflet-container");
    if (!top || !map) return;
    const share = Number(slider.value) / 100;
    top.style.clipPath = `inset(0 0 0 ${100 * share}%)`;
    const picture = top.getBoundingClientRect();
    const frame = map.getBoundingClientRect();
    line.style.left = `${picture.left - frame.left + share * picture.width}px`;
    line.hidden = !(share > 0 && share < 1);
    slider.setAttribute("aria-valuetext", words.value.replace("{}", slider.value));
  }

  function hold(tries = 40) {
    clearTimeout(timer);
    watch.disconnect();
    const map = el.closest(".eo-theme")?.querySelector(".leaflet-container");
    const pictures = map ? [...map.querySelectorAll(".leaflet-overlay-pane .leaflet-image-layer")] : [];
    if (pictures.length < 2) {
      if (tries > 0) timer = setTimeout(() => hold(tries - 1), PATIENCE);
      return;
    }
    top = pictures[pictures.length - 1];
    if (line.parentElement !== map) map.append(line);
    // Leaflet moves the pane when the map is dragged, and the picture when it is zoomed.
    watch.observe(map.querySelector(".leaflet-map-pane"), { attributes: true, attributeFilter: ["style"] });
    watch.observe(top, { attributes: true, attributeFilter: ["style", "width"] });
    watch.takeRecords();
    place();
    // The pictures of a later answer come after the question to hold them.
    if (tries > 0) timer = setTimeout(() => hold(0), 6 * PATIENCE);
  }

  slider.addEventListener("input", place);
  slider.addEventListener("change", () => {
    model.set("value", Number(slider.value) / 100);
    model.save_changes();
  });
  function follow() {
    slider.value = String(Math.round(100 * model.get("value")));
    place();
  }
  model.on("change:value", follow);
  model.on("change:pictures", () => hold());
  window.addEventListener("resize", place);
  follow();
  hold();

  return () => {
    clearTimeout(timer);
    watch.disconnect();
    line.remove();
    window.removeEventListener("resize", place);
  };
}

export default { render };
