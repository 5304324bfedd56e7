// How much each channel of a scene counts in a search: shares that always sum to 1.

export const CHANNELS = ["transcript", "visual", "summary", "lexical", "image"] as const;
export type Channel = (typeof CHANNELS)[number];
export type Weights = Record<Channel, number>;

/** The server's, brought to a sum of 1; pictures count only where a model brings them and words into one space. */
export const USUAL: Weights = { transcript: 0.36, visual: 0.2, summary: 0.08, lexical: 0.16, image: 0.2 };

/** The server's limits: pictures, by whatever channel, never drown words, and exact words always count a little. */
const SEEN: readonly Channel[] = ["visual", "image"];
const MOST_SEEN = 0.8;
const LEAST_LEXICAL = 0.05;

/** One channel set to `value`; the others share what is left as they did before. */
export function rebalanced(weights: Weights, channel: Channel, value: number): Weights {
  const most = SEEN.includes(channel) ? MOST_SEEN : channel === "lexical" ? 1 : 1 - LEAST_LEXICAL;
  const own = Math.min(Math.max(value, channel === "lexical" ? LEAST_LEXICAL : 0), most);
  return spread({ ...weights, [channel]: own }, [channel]);
}

/** Whatever came from elsewhere, brought to a sum of 1 within the limits. */
export function normalised(weights: Partial<Weights>): Weights {
  const given = Object.fromEntries(CHANNELS.map((one) => [one, Math.max(0, weights[one] ?? 0)])) as Weights;
  return spread(CHANNELS.some((one) => given[one] > 0) ? given : USUAL, []);
}

/** Scale all channels but the `fixed` ones so that the sum is 1; those that hit a limit are fixed there. */
function spread(weights: Weights, fixed: readonly Channel[]): Weights {
  const scaled = scaledTo(weights, CHANNELS.filter((one) => !fixed.includes(one)), 1 - sum(weights, fixed));
  const sight = SEEN.filter((one) => !fixed.includes(one));
  if (sight.length && sum(scaled, SEEN) > MOST_SEEN + 1e-9) {
    const held = SEEN.filter((one) => fixed.includes(one));
    return spread(scaledTo(scaled, sight, MOST_SEEN - sum(scaled, held)), [...fixed, ...sight]);
  }
  if (!fixed.includes("lexical") && scaled.lexical < LEAST_LEXICAL - 1e-9) {
    return spread({ ...scaled, lexical: LEAST_LEXICAL }, [...fixed, "lexical"]);
  }
  return scaled;
}

/** With these channels in their proportions, summing up to `total`; evenly where they had nothing. */
function scaledTo(weights: Weights, channels: readonly Channel[], total: number): Weights {
  const before = sum(weights, channels);
  const shares = channels.map((one) => [one, before > 0 ? (weights[one] / before) * total : total / channels.length]);
  return { ...weights, ...(Object.fromEntries(shares) as Partial<Weights>) };
}

function sum(weights: Weights, channels: readonly Channel[]): number {
  return channels.reduce((total, one) => total + weights[one], 0);
}
