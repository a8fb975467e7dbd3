export declare const sharedFields: readonly string[]
export declare function publishedManifest(
  manifest: Readonly<Record<string, unknown>>,
  folder: string,
): Record<string, unknown>
