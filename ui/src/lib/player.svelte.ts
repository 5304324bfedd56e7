// What plays. The element itself is in PlayerBar.svelte; everybody else calls play().

import type { Item } from "./types";

/** What the player needs to know of an item. */
export type Playable = Pick<Item, "id" | "label" | "title" | "artist" | "album">;

class Player {
  current = $state.raw<Playable | null>(null);
  /** What next and previous walk through. */
  list = $state.raw<readonly Playable[]>([]);
  playing = $state(false);

  at = $derived(this.list.findIndex((item) => item.id === this.current?.id));
  hasNext = $derived(this.at >= 0 && this.at < this.list.length - 1);
  hasPrevious = $derived(this.at > 0);

  next(): void {
    this.step(1);
  }

  previous(): void {
    this.step(-1);
  }

  stop(): void {
    this.playing = false;
    this.current = null;
    this.list = [];
  }

  private step(by: number): void {
    const item = this.list[this.at + by];
    if (this.at >= 0 && item) this.current = item;
  }
}

export const player = new Player();

/** Play an item; next and previous walk through the list that it is part of. */
export function play(item: Playable, list: readonly Playable[] = [item]): void {
  player.list = list;
  player.current = item;
  player.playing = true;
}
