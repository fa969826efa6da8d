// A text box with suggestions, after the combobox pattern: the arrows move, Enter takes, Esc closes.

import { html, useEffect, useFocus, useState } from "./lib.js";
import { Text } from "./ui.js";

/**
 * A text box with a list of suggestions.
 *
 * @param id the box's id; the list's id is made from it
 * @param label its name
 * @param value its text
 * @param onInput receives the text as it is typed
 * @param options the suggestions: each with key, label, hint and run()
 * @param onEmptyBack runs at Backspace in an empty box
 * @param always whether the list is open without typing
 * @param focus whether the box takes the focus when it appears
 */
export function Combo({ id, label, placeholder, value, onInput, options, onEmptyBack, always = false, focus = false }) {
  const [active, setActive] = useState(0);
  const [open, setOpen] = useState(false);
  const box = useFocus(focus);
  const shown = (always || open) && options.length > 0;
  const at = Math.min(active, options.length - 1);
  useEffect(() => setActive(0), [value]);
  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at, shown]);

  const take = (option) => {
    setOpen(false);
    option.run();
  };
  const keys = {
    ArrowDown: () => (shown ? setActive((at + 1) % options.length) : setOpen(true)),
    ArrowUp: () => shown && setActive((at - 1 + options.length) % options.length),
    Enter: () => options[at] && take(options[at]),
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape" && open && !always) {
      event.stopPropagation();
      setOpen(false);
    } else if (event.key === "Backspace" && value === "") {
      onEmptyBack?.();
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  };

  return html`<div class="combo">
    <input ref=${box} id=${id} type="text" role="combobox" aria-label=${label} placeholder=${placeholder} value=${value} autocomplete="off"
      autofocus=${focus} spellcheck="false" aria-expanded=${shown ? "true" : "false"} aria-controls=${`${id}-list`} aria-autocomplete="list"
      aria-activedescendant=${shown ? `${id}-${at}` : undefined} onKeyDown=${onKeyDown} onFocus=${() => setOpen(true)}
      onBlur=${() => setOpen(false)} onInput=${({ target }) => {
        setOpen(true);
        onInput(target.value);
      }} />
    <ul role="listbox" id=${`${id}-list`} aria-label=${label} hidden=${!shown}>
      ${options.map(
        (option, index) => html`<li role="option" id=${`${id}-${index}`} key=${option.key} aria-selected=${index === at ? "true" : "false"}
          onMouseDown=${(event) => event.preventDefault()} onClick=${() => take(option)}>
          <${Text}>${option.label}<//>${option.hint && html`<span class="quiet"><${Text}>${option.hint}<//></span>`}
        </li>`,
      )}
    </ul>
  </div>`;
}
