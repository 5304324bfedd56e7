import { describe, expect, it } from "vitest";
import { CHANNELS, normalised, rebalanced, USUAL, type Weights } from "../src/lib/video/weights";

const total = (weights: Weights) => CHANNELS.reduce((sum, one) => sum + weights[one], 0);

describe("weights of channels", () => {
  it("always sum to 1 and stay within their limits", () => {
    let weights = USUAL;
    for (let step = 0; step < 500; step++) {
      const channel = CHANNELS[step % CHANNELS.length]!;
      weights = rebalanced(weights, channel, ((step * 37) % 101) / 100);
      expect(total(weights)).toBeCloseTo(1, 9);
      expect(weights.visual + weights.image).toBeLessThanOrEqual(0.8 + 1e-9);
      expect(weights.lexical).toBeGreaterThanOrEqual(0.05 - 1e-9);
      for (const one of CHANNELS) expect(weights[one]).toBeGreaterThanOrEqual(0);
    }
  });

  it("keep the others in their proportions", () => {
    const moved = rebalanced(USUAL, "transcript", 0.05);
    expect(moved.transcript).toBeCloseTo(0.05);
    expect(moved.visual / moved.summary).toBeCloseTo(USUAL.visual / USUAL.summary);
  });

  it("share evenly when the others had nothing", () => {
    const alone = rebalanced({ transcript: 1, visual: 0, summary: 0, lexical: 0, image: 0 }, "transcript", 0.4);
    expect(alone.visual).toBeCloseTo(0.15);
    expect(alone.lexical).toBeCloseTo(0.15);
  });

  it("cap pictures even when nothing else was asked for", () => {
    const seen = normalised({ visual: 1 });
    expect(seen.visual).toBeCloseTo(0.8);
    expect(total(seen)).toBeCloseTo(1);
  });

  it("fall back to the usual ones", () => {
    expect(normalised({})).toEqual(USUAL);
  });
});
