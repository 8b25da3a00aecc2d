import { createFirehoseTransformer, emfSink, reingest } from 'millrace/firehose'
import options from './transform.mjs'

export const handler = createFirehoseTransformer({
  ...options,
  // What has no room in the response is put into the stream again, three times at most.
  overflow: reingest(),
  metrics: emfSink({ write: (line) => console.log(line) }),
  onFailure: ({ recordId, reason, message }) => console.warn(JSON.stringify({ recordId, reason, message })),
})
