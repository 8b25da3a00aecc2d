// What a Lambda runtime does with a function's code, over the Runtime API (lambda/latest/dg/runtimes-api.html): loads
// `_HANDLER` of LAMBDA_TASK_ROOT, asks for the next invocation, answers it, and so on.
import { pathToFileURL } from 'node:url'

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, _HANDLER } = process.env
const api = `http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`
const [file, name] = _HANDLER.split('.')
const { [name]: handler } = await import(pathToFileURL(`${LAMBDA_TASK_ROOT}/${file}.mjs`).href)
for (;;) {
  const next = await fetch(`${api}/invocation/next`)
  const id = next.headers.get('lambda-runtime-aws-request-id')
  const deadline = Number(next.headers.get('lambda-runtime-deadline-ms'))
  const post = (what, body) => fetch(`${api}/invocation/${id}/${what}`, { method: 'POST', body: JSON.stringify(body) })
  try {
    await post('response', await handler(await next.json(), { awsRequestId: id, getRemainingTimeInMillis: () => deadline - Date.now() }))
  } catch (error) {
    await post('error', { errorType: error.name, errorMessage: error.message })
  }
}
