import { describe, expect, test } from "vitest";
import { differing, type Part } from "../src/lib/rename/diff";
import { pieces, range } from "../src/lib/rename/faults";
import type { Fault } from "../src/lib/rename/types";

const marked = (parts: Part[]) => parts.filter((part) => !part.same).map((part) => part.text);
const whole = (parts: Part[]) => parts.map((part) => part.text).join("");

describe("where two names differ", () => {
  test("words that came, and words that went", () => {
    const { before, after } = differing("03 - roygbiv.mp3", "Boards of Canada - roygbiv [8A 84].mp3");
    expect(marked(before)).toEqual(["03"]);
    expect(marked(after)).toEqual(["Boards of Canada", "[8A 84]"]);
    expect(marked(differing("00001.mp3", "Moby - Title 00001.mp3").after)).toEqual(["Moby - Title"]);
  });

  test("the same name has nothing marked", () => {
    const { before, after } = differing("a - b.mp3", "a - b.mp3");
    expect(before).toEqual([{ text: "a - b.mp3", same: true }]);
    expect(after).toEqual(before);
  });

  test("what changed its place is marked once on each side", () => {
    const { before, after } = differing("Title - Artist.mp3", "Artist - Title.mp3");
    expect(marked(before).length + marked(after).length).toBeGreaterThan(0);
    expect(marked(before).length).toBeLessThanOrEqual(2);
  });

  test("a letter of another case, an accent, and an emoji are differences of their words alone", () => {
    expect(marked(differing("björk 🎵 x", "Björk 🎶 x").after)).toEqual(["Björk 🎶"]);
  });

  test.each([
    ["", ""],
    ["", "a"],
    ["a", ""],
    ["العربية - b", "العربية - c"],
    ["x ".repeat(400), "y ".repeat(400)],
    ["a b c d e f", "a x c y e z"],
    ["aaaa", "aa"],
    ["1 1 1", "1 1 1 1"],
  ])("the parts joined are the names again: %j, %j", (one, other) => {
    const { before, after } = differing(one, other);
    expect(whole(before)).toBe(one);
    expect(whole(after)).toBe(other);
    const shared = (parts: Part[]) => parts.filter((part) => part.same).map((part) => part.text).join("").replaceAll(" ", "");
    expect(shared(before)).toBe(shared(after));
  });
});

describe("a template and its faults", () => {
  const fault = (position: number, length: number, severity: Fault["severity"] = "error"): Fault => ({
    position,
    length,
    message: "",
    severity,
  });

  test("the fault alone is marked", () => {
    expect(pieces("{artist} {nothing}", [fault(9, 9)])).toEqual([
      { text: "{artist} ", severity: null },
      { text: "{nothing}", severity: "error" },
    ]);
  });

  test("places are characters: what lies before may need two units", () => {
    const template = "🎵 {x} y";
    expect(pieces(template, [fault(2, 3, "warning")]).map((piece) => piece.text)).toEqual(["🎵 ", "{x}", " y"]);
    const [start, end] = range(template, fault(2, 3));
    expect(template.slice(start, end)).toBe("{x}");
  });

  test("what is missing at the end is shown behind it", () => {
    expect(pieces("{artist", [fault(7, 1)])).toEqual([
      { text: "{artist", severity: null },
      { text: " ", severity: "error" },
    ]);
    expect(pieces("", [fault(0, 1)])).toEqual([{ text: " ", severity: "error" }]);
  });

  test("an error is stronger than a warning at the same place, and nothing is lost or doubled", () => {
    const shown = pieces("abcdef", [fault(1, 4, "warning"), fault(2, 1), fault(4, 50, "warning")]);
    expect(shown.map((piece) => piece.text).join("")).toBe("abcdef");
    expect(shown).toEqual([
      { text: "a", severity: null },
      { text: "b", severity: "warning" },
      { text: "c", severity: "error" },
      { text: "def", severity: "warning" },
    ]);
  });

  test("a fault of no length marks the place where something is missing", () => {
    expect(pieces("ab", [fault(1, 0)])).toEqual([
      { text: "a", severity: null },
      { text: "b", severity: "error" },
    ]);
  });
});
