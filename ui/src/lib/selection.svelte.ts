// Tracks picked for a playlist, kept while the reader goes from page to page.

import { SvelteMap } from "svelte/reactivity";
import type { Playable } from "./player.svelte";

class Selection {
  private readonly picked = new SvelteMap<number, Playable>();
  size = $derived(this.picked.size);
  items = $derived([...this.picked.values()]);

  has(id: number): boolean {
    return this.picked.has(id);
  }

  add(...items: readonly Playable[]): void {
    for (const item of items) this.picked.set(item.id, item);
  }

  toggle(item: Playable): void {
    if (!this.picked.delete(item.id)) this.add(item);
  }

  clear(): void {
    this.picked.clear();
  }
}

export const selection = new Selection();
