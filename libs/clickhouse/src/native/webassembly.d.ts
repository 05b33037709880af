/** What is used of WebAssembly (WebAssembly JavaScript Interface, W3C), as Node's types don't have it. */
declare namespace WebAssembly {
  type Module = object;
  const Module: new (bytes: Uint8Array) => Module;
  interface Instance {
    readonly exports: unknown;
  }
  const Instance: new (
    module: Module,
    imports?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => Instance;
  interface Global {
    readonly value: number;
  }
  interface Memory {
    /** Another one after the memory has grown. */
    readonly buffer: ArrayBuffer;
  }
}
