/** Points by WebGL 2: one draw call, a round dot each, colours from a small palette. */

import { channels, PALETTE_SIZE } from "./colours";
import type { Drawer, Look } from "./drawer";
import type { View } from "./view";

/** How visible points are that are not isolated or selected while others are. */
const FADED = 0.09;

const VERTEX = `#version 300 es
layout(location = 0) in float x;
layout(location = 1) in float y;
layout(location = 2) in uint colour;
layout(location = 3) in uint selected;
uniform vec2 middle;
uniform vec2 zoom;
uniform float size;
uniform int only;
uniform bool marking;
uniform vec3 palette[${PALETTE_SIZE}];
flat out vec4 ink;
void main() {
  bool faded = (only >= 0 && int(colour) != only) || (marking && selected == 0u);
  vec2 place = (vec2(x, y) - middle) * zoom;
  gl_Position = vec4(place, 0.0, 1.0);
  gl_PointSize = marking && selected == 1u ? size + 2.0 : size;
  ink = vec4(palette[colour], faded ? ${FADED} : 0.85);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
flat in vec4 ink;
uniform float size;
out vec4 shown;
void main() {
  float edge = 1.5 / size;
  float distance = length(gl_PointCoord - 0.5) * 2.0;
  float alpha = ink.a * (1.0 - smoothstep(1.0 - edge, 1.0, distance));
  if (alpha < 0.004) discard;
  shown = vec4(ink.rgb * alpha, alpha);
}`;

interface Made {
  program: WebGLProgram;
  array: WebGLVertexArrayObject;
  buffers: [x: WebGLBuffer, y: WebGLBuffer, colour: WebGLBuffer, selected: WebGLBuffer];
}

export class GlDrawer implements Drawer {
  readonly kind = "webgl";
  private x: Float32Array = new Float32Array();
  private y: Float32Array = new Float32Array();
  private colours: Uint8Array = new Uint8Array();
  private selected: Uint8Array | null = null;
  private made: Made | null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
    private readonly again: () => void,
  ) {
    this.made = make(gl);
    canvas.addEventListener("webglcontextlost", this.lost);
    canvas.addEventListener("webglcontextrestored", this.restored);
  }

  place(x: Float32Array, y: Float32Array): void {
    this.x = x;
    this.y = y;
    this.fill(0, x);
    this.fill(1, y);
  }

  paint(colours: Uint8Array): void {
    this.colours = colours;
    this.fill(2, colours);
  }

  mark(selected: Uint8Array | null): void {
    this.selected = selected;
    this.fill(3, selected ?? new Uint8Array(this.x.length));
  }

  draw(view: View, look: Look): void {
    const { gl, made } = this;
    if (!made || gl.isContextLost()) return;

    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.x.length || this.colours.length !== this.x.length) return;

    gl.useProgram(made.program);
    gl.bindVertexArray(made.array);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    const at = (name: string) => gl.getUniformLocation(made.program, name);
    gl.uniform2f(at("middle"), view.x, view.y);
    gl.uniform2f(at("zoom"), (2 * view.scale) / view.width, (2 * view.scale) / view.height);
    gl.uniform1f(at("size"), look.size * look.ratio);
    gl.uniform1i(at("only"), look.only);
    gl.uniform1i(at("marking"), this.selected ? 1 : 0);
    gl.uniform3fv(at("palette"), look.palette.flatMap(channels));
    gl.drawArrays(gl.POINTS, 0, this.x.length);
  }

  settle(): void {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  end(): void {
    this.canvas.removeEventListener("webglcontextlost", this.lost);
    this.canvas.removeEventListener("webglcontextrestored", this.restored);
    if (!this.made) return;
    for (const buffer of this.made.buffers) this.gl.deleteBuffer(buffer);
    this.gl.deleteVertexArray(this.made.array);
    this.gl.deleteProgram(this.made.program);
    this.made = null;
  }

  private readonly lost = (event: Event): void => {
    event.preventDefault(); // else it never comes back
    this.made = null;
  };

  private readonly restored = (): void => {
    this.made = make(this.gl);
    this.place(this.x, this.y);
    this.paint(this.colours);
    this.mark(this.selected);
    this.again();
  };

  private fill(which: 0 | 1 | 2 | 3, values: Float32Array | Uint8Array): void {
    if (!this.made) return;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.made.buffers[which]);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.STATIC_DRAW);
  }
}

function make(gl: WebGL2RenderingContext): Made | null {
  const program = gl.createProgram();
  for (const [kind, text] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) return null; // the context is lost; it is made when it comes back
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    if (gl.isContextLost()) return null;
    throw new Error(`the map's shaders do not link: ${gl.getProgramInfoLog(program)}`);
  }

  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  const buffers: Made["buffers"] = [gl.createBuffer(), gl.createBuffer(), gl.createBuffer(), gl.createBuffer()];
  buffers.forEach((buffer, location) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(location);
    if (location < 2) gl.vertexAttribPointer(location, 1, gl.FLOAT, false, 0, 0);
    else gl.vertexAttribIPointer(location, 1, gl.UNSIGNED_BYTE, 0, 0);
  });
  return { program, array, buffers };
}
