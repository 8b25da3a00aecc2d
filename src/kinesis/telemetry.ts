// Where metrics go: what the producer and the consumer tell of themselves, they tell to a sink.
import { wrongType } from '../errors.js'

/** Values of what is counted or measured; an OpenTelemetry `Meter` is a sink, and so is emfSink(). */
export interface MetricsSink {
  createCounter(name: string, options?: { unit?: string; description?: string }): { add(value: number, attributes?: Record<string, string>): void }
  createHistogram(name: string, options?: { unit?: string; description?: string }): { record(value: number, attributes?: Record<string, string>): void }
}

/** Throws TypeError for what is no sink. */
export function checkSink(sink: unknown): asserts sink is MetricsSink | undefined {
  const { createCounter, createHistogram } = (sink ?? {}) as Partial<MetricsSink>
  if (sink !== undefined && (typeof createCounter !== 'function' || typeof createHistogram !== 'function'))
    throw wrongType('metrics', 'a sink with createCounter and createHistogram, as an OpenTelemetry Meter', sink)
}
