/** A map as it is drawn: the answer of the server in typed arrays, and its colourings. */

import type { MapAnswer } from "../types";
import { colouring, type Colouring } from "./colours";
import { PointGrid } from "./grid";
import { bounds } from "./lasso";
import type { Named } from "./labels";

export const COLOURS = ["genre", "key", "cluster"] as const;
export type ColourBy = (typeof COLOURS)[number];

export interface Points {
  ids: readonly number[];
  x: Float32Array;
  y: Float32Array;
  cluster: ArrayLike<number>;
  clusters: readonly Named[];
  grid: PointGrid;
}

export function pointsOf(answer: MapAnswer): Points {
  const x = Float32Array.from(answer.x);
  const y = Float32Array.from(answer.y);
  return { ids: answer.ids, x, y, cluster: answer.cluster, clusters: answer.clusters, grid: new PointGrid(x, y) };
}

/** `nameless`: what a cluster without a name is called. */
export function colouringOf(answer: MapAnswer, by: ColourBy, nameless: (id: number) => string): Colouring {
  if (by !== "cluster") return colouring(answer[by].names, answer[by].of);

  const places = new Map(answer.clusters.map((cluster, place) => [cluster.id, place]));
  return colouring(
    answer.clusters.map((cluster) => cluster.label || nameless(cluster.id)),
    answer.cluster.map((id) => places.get(id) ?? -1),
  );
}

/** Indices of the points of a cluster. */
export function membersOf(points: Points, cluster: number): number[] {
  const members: number[] = [];
  for (let index = 0; index < points.ids.length; index++) if (points.cluster[index] === cluster) members.push(index);
  return members;
}

export function boxOf(points: Points, members: readonly number[]): ReturnType<typeof bounds> {
  return bounds(members.map((index) => ({ x: points.x[index]!, y: points.y[index]! })));
}
