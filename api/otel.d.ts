// dist/asks.d.ts
import { type Tracer } from '@opentelemetry/api';
export declare function watchAsks(tracer: Tracer): Disposable;

// dist/attempts.d.ts
import type { Tracer } from '@opentelemetry/api';
export declare function watchAttempts(tracer: Tracer): Disposable;

// dist/carrier.d.ts
import { type Context, type Link } from '@opentelemetry/api';
export type Carrier = Readonly<Record<string, string>>;
export declare function inject(context: Context): Carrier;
export declare function withoutSpan(): Context;
export declare function extract(carrier: Carrier | null): Context;
export declare function linkTo(context: Context | undefined): Link[];

// dist/channel-spans.d.ts
import { type Attributes, type Context, type Link, type Span, SpanKind, type Tracer } from '@opentelemetry/api';
export interface SpanData {
    readonly name: string;
    readonly kind?: SpanKind;
    readonly attributes?: Attributes;
    readonly links?: Link[];
    readonly parent?: Context;
    readonly begun?: (inside: Context) => void;
    readonly ending?: (span: Span) => boolean;
}
export declare function isForeign(span: Span): boolean;
export declare function spansOfChannel<M extends object>(channel: string, tracer: Tracer, describe: (message: M) => SpanData | null): Disposable;

// dist/guarded.d.ts
export declare function guarded<A extends unknown[]>(call: (...args: A) => void): (...args: A) => void;

// dist/index.d.ts
export { instrument, type InstrumentOptions } from './instrument.ts';

// dist/instrument.d.ts
import { type MeterProvider, type TracerProvider } from '@opentelemetry/api';
export interface InstrumentOptions {
    tracerProvider?: TracerProvider | undefined;
    meterProvider?: MeterProvider | undefined;
}
export declare function instrument(options?: InstrumentOptions): Disposable;

// dist/jobs.d.ts
import { type Tracer } from '@opentelemetry/api';
export declare function watchJobs(tracer: Tracer): Disposable;

// dist/join-disposables.d.ts
export declare function joinDisposables(...parts: readonly Disposable[]): Disposable;

// dist/metrics.d.ts
import type { Meter } from '@opentelemetry/api';
export declare function observeMetrics(meter: Meter): Disposable;

// dist/processes.d.ts
import { type Tracer } from '@opentelemetry/api';
export declare function watchProcesses(tracer: Tracer): Disposable;

// dist/requests.d.ts
import { type Tracer } from '@opentelemetry/api';
export declare function watchRequests(tracer: Tracer): Disposable;

// dist/tasks.d.ts
import type { Tracer } from '@opentelemetry/api';
export declare function watchTasks(tracer: Tracer): Disposable;
