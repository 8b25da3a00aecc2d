// A record on its way through a delivery stream, and one that a destination did not take.

/** A record of a delivery stream. */
export interface DeliveryRecord {
  /** What is delivered: the Lambda's output, where there is one. */
  data: Uint8Array
  /** As it was taken in: what an error object and the source backup hold. */
  original: Uint8Array
  /** When it was taken in, milliseconds since the epoch. */
  arrival: number
  /** Of the record in the source stream, where the source is a Kinesis stream. */
  sequenceNumber?: string | undefined
  /** Of the user record in its aggregate. */
  subSequenceNumber?: number | undefined
}

/** A record that a destination did not take, for the error output. */
export interface FailedDelivery {
  record: DeliveryRecord
  code: string
  message: string
  attempts: number
  /** When the last attempt ended, milliseconds since the epoch. */
  attemptEnd: number
}
