// Light, dark, or as the system: a choice that this browser keeps.

import { cell, keep, kept } from "./lib.js";

/** The colours: system, light or dark. */
export const theme = cell(kept("theme", "system"));

const apply = (name) => {
  document.documentElement.dataset.theme = name;
};

apply(theme.get());
theme.watch((name) => {
  apply(name);
  keep("theme", name);
});
