/**
 * The absolute URL of a request; null when its target or the name of its host is invalid.
 */
export declare function urlOf(scheme: string, host: string, target: string): string | null;
