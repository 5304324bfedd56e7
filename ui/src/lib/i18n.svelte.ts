// Words in the reader's language. Keys are the English catalogue's; a key that another one lacks falls back to it.

import de from "./i18n/de.json";
import en from "./i18n/en.json";

export type Key = keyof typeof en;
export type Facts = Record<string, string | number>;

type Words = Partial<Record<Key, string>>;

const CATALOGUES: Record<string, Words> = { en, de };
export const LOCALES: readonly { code: string; name: string }[] = [
  { code: "en", name: "English" },
  { code: "de", name: "Deutsch" },
];

const REMEMBERED = "reprise.locale";

class Language {
  code = $state(preferred());
  numbers = $derived(new Intl.NumberFormat(this.code));
  plurals = $derived(new Intl.PluralRules(this.code));
}

const language = new Language();

/** The two letters of the language in use. */
export function locale(): string {
  return language.code;
}

export function setLocale(code: string): void {
  if (!(code in CATALOGUES)) return;
  language.code = code;
  document.documentElement.lang = code;
  localStorage.setItem(REMEMBERED, code);
}

/** The words of `key`; `{name}` in them becomes the fact of that name, numbers in the reader's digits. */
export function t(key: Key, facts: Facts = {}): string {
  const words = CATALOGUES[language.code]?.[key] ?? en[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const fact = facts[name];
    if (fact === undefined) return whole;
    return typeof fact === "number" ? language.numbers.format(fact) : fact;
  });
}

type Counted<K> = K extends `${infer Stem}.other` ? Stem : never;

/** As `t`, from the keys `stem.one` and `stem.other`, whichever `count` asks for; it is `{count}` in them. */
export function tn(stem: Counted<Key>, count: number, facts: Facts = {}): string {
  const form = language.plurals.select(count) === "one" ? "one" : "other";
  return t(`${stem}.${form}` as Key, { count, ...facts });
}

/** Whether there are words for what the server names, such as a job's state. */
export function isKey(name: string): name is Key {
  return name in en;
}

function preferred(): string {
  const wanted = [localStorage.getItem(REMEMBERED) ?? "", ...navigator.languages];
  const known = wanted.map((code) => code.slice(0, 2)).find((code) => code in CATALOGUES) ?? "en";
  document.documentElement.lang = known;
  return known;
}
