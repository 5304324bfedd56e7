// Which kinds of libraries there are: the panel shows only what there is something to see in.

import { get, Problem } from "../api";
import type { Library, Listed } from "../types";

class Kinds {
  all = $state.raw<ReadonlySet<string>>(new Set());
  hasVideos = $derived(this.all.has("video"));

  async look(): Promise<void> {
    try {
      this.all = new Set((await get<Listed<Library>>("/libraries")).items.map((library) => library.kind));
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // pages that need libraries say what is wrong
    }
  }
}

export const kinds = new Kinds();
