/** Values as they were written, one layer per source. */

/** `profile` is the package's own; what stands in `own-profile` was written by a person of this installation. */
export type SourceKind = 'flag' | 'environment' | 'credential' | 'env-file' | 'own-profile' | 'profile';

export interface Written {
  readonly text: string;
  readonly kind: SourceKind;
  /** In words: `environment`, `.env line 4`, `file /run/secrets/key`. */
  readonly where: string;
}

export type Layer = ReadonlyMap<string, Written>;

/** What the strongest layer that has the name says; layers come strongest first. */
export function lookUp(layers: readonly Layer[], name: string): Written | undefined {
  for (const layer of layers) {
    const written = layer.get(name);
    if (written !== undefined) return written;
  }
  return undefined;
}
