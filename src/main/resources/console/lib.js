// Preact and htm in one place: every other file imports them from here. The server makes their files from their WebJars.

import { default as htm } from "./htm.js";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./preact-hooks.js";
import { Component, Fragment, h, render } from "./preact.js";

/** Makes elements from a template. Values become text or properties, never markup. */
export const html = htm.bind(h);

export { Component, Fragment, render, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState };

/**
 * A value that components can watch.
 *
 * @param value the first value
 * @returns an object with get(), set(value) and watch(listener), which returns a function that ends the watch
 */
export function cell(value) {
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      if (next !== value) {
        value = next;
        for (const listener of [...listeners]) {
          listener(value);
        }
      }
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Returns the value of a cell, and renders the component again when it changes. */
export function useCell(watched) {
  const [value, setValue] = useState(watched.get());
  useEffect(() => {
    setValue(watched.get());
    return watched.watch(setValue);
  }, [watched]);
  return value;
}

/**
 * Keeps a modal dialog open while a condition holds. It opens before the browser takes the next key, so that what is typed
 * right after the key that opened it reaches the dialog.
 *
 * @param open whether it is open
 * @returns the ref of the dialog
 */
export function useModal(open) {
  const dialog = useRef(null);
  useLayoutEffect(() => {
    if (open && !dialog.current.open) {
      dialog.current.showModal();
    } else if (!open && dialog.current.open) {
      dialog.current.close();
    }
  }, [open]);
  return dialog;
}

/**
 * Gives an element the focus when it appears, before the browser takes the next key. The element of a dialog needs the
 * property autofocus as well, because the dialog opens after its content has appeared.
 *
 * @param wanted whether it takes the focus
 * @returns the ref of the element
 */
export function useFocus(wanted) {
  const element = useRef(null);
  useLayoutEffect(() => {
    if (wanted) {
      element.current?.focus();
    }
  }, []);
  return element;
}

/** Reads a choice that this browser keeps. Returns the fallback when there is none or storage is off. */
export function kept(name, fallback) {
  try {
    return localStorage.getItem(`agentbus.${name}`) ?? fallback;
  } catch {
    // Storage can be switched off in the browser; the choice then lasts until the page is left.
    return fallback;
  }
}

/** Keeps a choice in this browser, so that the next visit has it. */
export function keep(name, value) {
  try {
    localStorage.setItem(`agentbus.${name}`, value);
  } catch {
    // As in kept: without storage the choice lasts until the page is left.
  }
}
