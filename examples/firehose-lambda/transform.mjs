// JSON log lines: debug dropped, one S3 prefix a service. Apart from the handler, so that
// `millrace transform --module transform.mjs --check event.json` tries it.
import { withMetadata } from 'millrace/firehose'

export default {
  // Several JSON values in one record are a record each.
  splitJson: true,
  transform(record) {
    const { service = 'unknown', level, ...rest } = record.json()
    if (level === 'debug') return null
    return withMetadata({ service, level, ...rest, arrived: record.arrival }, { partitionKeys: { service } })
  },
}
