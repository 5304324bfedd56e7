// How plans, rows and sessions of renaming are said.

import { isKey, t } from "../i18n.svelte";
import type { Tone } from "../jobs/words";
import type { PlanRow, RowStatus, SessionState } from "./types";

export const TONES: Record<RowStatus, Tone> = { rename: "good", unchanged: "", refused: "bad" };

const STATES: Record<SessionState, Tone> = {
  running: "info",
  done: "good",
  done_with_errors: "warn",
  cancelled: "",
  interrupted: "warn",
  undoing: "info",
  undone: "good",
  partly_undone: "warn",
};

export function toneOf(state: SessionState): Tone {
  return STATES[state] ?? "";
}

export function statusWords(status: RowStatus): string {
  return t(`rename.status.${status}`);
}

export function stateWords(state: SessionState): string {
  return t(`rename.session.${state}`);
}

/** What a row's code says; the code itself when a newer server has one that this panel does not know. */
export function codeWords(code: string): string {
  const key = `rename.code.${code}`;
  return isKey(key) ? t(key) : code;
}

export function originWords(origin: string): string {
  const key = `rename.origin.${origin.replaceAll(" ", "_")}`;
  return isKey(key) ? t(key) : origin;
}

/** Whether there is something to know of a row that is not refused. */
export function isNoted(row: PlanRow): boolean {
  return row.notes.length > 0 || (row.code !== "" && row.status !== "refused");
}

/** Whether something is being done with the files of a session now. */
export function isUnderWay(state: SessionState): boolean {
  return state === "running" || state === "undoing";
}
