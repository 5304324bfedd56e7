// Dark or light: what the reader chose, else what the system says.

import type { Theme } from "./types";

const REMEMBERED = "reprise.theme";

export function theme(): Theme {
  const kept = localStorage.getItem(REMEMBERED);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function setTheme(chosen: Theme): void {
  localStorage.setItem(REMEMBERED, chosen);
  document.documentElement.dataset.theme = chosen;
}
