// The form that asks for a key when the service does. The key stays in this tab.

import { key } from "../api.js";
import { byId, h, redraw } from "../dom.js";

// `wanted`: null, "first" or "wrong". `opened` is called with a new key in place.
export function drawKey(wanted, opened) {
  redraw(byId("key"), [wanted, Boolean(key.get())], () => {
    if (wanted) return form(wanted, opened);
    return (
      key.get() &&
      h(
        "p",
        { class: "forget" },
        h("button", { type: "button", class: "plain", "data-key": "forget", click: () => forget() }, "Forget the key"),
      )
    );
  });
}

function forget() {
  key.forget();
  location.reload();
}

function form(wanted, opened) {
  const field = h("input", {
    id: "key-field",
    type: "password",
    name: "key",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "data-key": "key-field",
    "aria-describedby": "key-said",
  });
  const said = h(
    "p",
    { id: "key-said", role: wanted === "wrong" ? "alert" : null },
    wanted === "wrong"
      ? "The service did not accept this key. Try another."
      : "It stays in this tab, and is gone when you close it.",
  );
  function submit(event) {
    event.preventDefault();
    const value = field.value.trim();
    if (!/^[\x21-\x7e]+$/.test(value)) {
      said.textContent = "A key has only letters, digits and signs, without spaces.";
      return;
    }
    key.set(value);
    opened();
  }
  return h(
    "form",
    { class: "key-form", submit },
    h("h1", {}, "This service asks for a key."),
    h("label", { for: "key-field" }, "Key"),
    field,
    h("button", { type: "submit" }, "Open the page"),
    said,
  );
}
