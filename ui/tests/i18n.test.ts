import { describe, expect, test } from "vitest";

type Words = Record<string, string>;
const read = import.meta.glob<Words>("../src/lib/i18n/*.json", { eager: true, import: "default" });
const catalogues = Object.entries(read).map(([path, words]) => ({ name: path.split("/").at(-1) ?? "", words }));
const english = catalogues.find(({ name }) => name === "en.json")?.words ?? {};
const facts = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

const files = import.meta.glob<string>("../src/**/*.{ts,svelte}", { eager: true, query: "?raw", import: "default" });
const sources = Object.values(files).join("\n");

test("there is English and at least one more", () => {
  expect(Object.keys(english).length).toBeGreaterThan(100);
  expect(catalogues.length).toBeGreaterThan(1);
});

describe.each(catalogues)("$name", ({ words: own }) => {
  test("has the keys of English, no others", () => {
    expect(Object.keys(own).sort()).toEqual(Object.keys(english).sort());
  });

  test("no words are empty, and all name the same facts as English", () => {
    for (const [key, text] of Object.entries(own)) {
      expect(text.trim(), key).not.toBe("");
      expect(facts(text), key).toEqual(facts(english[key] ?? ""));
    }
  });
});

describe("keys", () => {
  test("every key in the source exists", () => {
    const used = [...sources.matchAll(/\bt\(\s*"([a-z_0-9.]+)"/g)].map((match) => match[1] ?? "");
    const stems = [...sources.matchAll(/\btn\(\s*"([a-z_0-9.]+)"/g)].map((match) => `${match[1]}.other`);
    expect(used.length).toBeGreaterThan(100);
    expect([...used, ...stems].filter((key) => !(key in english))).toEqual([]);
  });

  test("no key is left over", () => {
    const unused = Object.keys(english).filter((key) => {
      const stem = key.replace(/\.(one|other)$/, "");
      return !sources.includes(`"${stem}"`) && !isBuilt(key);
    });
    expect(unused).toEqual([]);
  });

  /** Made of a part and a word of the server: `state.${state}`, `admin.state_${job.state}`. */
  function isBuilt(key: string): boolean {
    const parts = [...sources.matchAll(/`([a-z_0-9.]+)\$\{/g)].map((match) => match[1] ?? "");
    return parts.some((part) => key.startsWith(part));
  }
});
