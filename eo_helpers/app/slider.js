// A labelled native range field with its value written beside it. No library, no network.
function render({ model, el }) {
  // Each widget has its own copy of this module: a count would give all the same id.
  const id = `eo-slider-${Math.random().toString(36).slice(2)}`;
  el.classList.add("eo-range");
  const label = document.createElement("label");
  label.htmlFor = id;
  label.textContent = model.get("label");
  const field = document.createElement("input");
  field.type = "range";
  field.id = id;
  for (const name of ["min", "max", "step"]) field[name] = String(model.get(name));
  const shown = document.createElement("output");
  shown.htmlFor = id;
  el.replaceChildren(label, field, shown);

  const digits = model.get("digits");
  const number = new Intl.NumberFormat(model.get("lang"), {
    useGrouping: "min2", // a year is written 2050, a length 12 450
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  // « 20 % », but "20%".
  const gap = model.get("unit") === "%" && model.get("lang") === "en" ? "" : "\u00a0";
  function write() {
    const unit = model.get("unit");
    const words = number.format(Number(field.value)) + (unit ? gap + unit : "");
    shown.textContent = words;
    field.setAttribute("aria-valuetext", words);
  }
  function follow() {
    field.value = String(model.get("value"));
    write();
  }
  field.addEventListener("input", write);
  field.addEventListener("change", () => {
    model.set("value", Number(field.value));
    model.save_changes();
  });
  model.on("change:value", follow);
  follow();
}

export default { render };
