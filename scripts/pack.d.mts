/** What `npm pack` made. */
export interface Packed {
  tarball: string;
  files: { path: string; size: number }[];
  unpackedSize: number;
}

export function pack(folder: string): Packed;
