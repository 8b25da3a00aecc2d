// The delivery streams of a CloudFormation template, its references filled in as far as a stream on this machine has a use for them.
import { kindOf, MillraceError } from '../errors.js'

type Members = Record<string, unknown>

/** Of what a template leaves to its deployment: the account that ARNs of local streams have. */
const PSEUDO: Record<string, unknown> = {
  'AWS::AccountId': '000000000000',
  'AWS::NoValue': undefined,
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::StackName': 'local',
  'AWS::URLSuffix': 'amazonaws.com',
}

/** A resource's ARN behind arn:aws: by its type, its name still to come. */
const ARNS: Record<string, string> = {
  'AWS::S3::Bucket': 's3:::',
  'AWS::Kinesis::Stream': 'kinesis:us-east-1:000000000000:stream/',
  'AWS::Lambda::Function': 'lambda:us-east-1:000000000000:function:',
  'AWS::Serverless::Function': 'lambda:us-east-1:000000000000:function:',
  'AWS::IAM::Role': 'iam::000000000000:role/',
}

/** What names a resource of its author's choice. */
const NAMES = ['BucketName', 'FunctionName', 'RoleName', 'DeliveryStreamName', 'Name']

/** Of the resources that are read. */
export const TYPE = 'AWS::KinesisFirehose::DeliveryStream'

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)
const own = (object: unknown, name: string): unknown => (isObject(object) && Object.hasOwn(object, name) ? object[name] : undefined)

/**
 * The configurations of a template's delivery streams by their logical ids; undefined where `value` is no template. Ref, Fn::GetAtt,
 * Fn::Sub and Fn::Join are filled in: parameters by their defaults, resources by the name that they are given, or their logical id.
 * Throws CONFIG, with the path, for other functions and for what the template does not have.
 */
export function streamsOf(value: unknown): Map<string, unknown> | undefined {
  const resources = own(value, 'Resources')
  if (!isObject(resources)) return undefined
  const resolve = resolver(value, resources)
  const streams = Object.entries(resources).filter(([, resource]) => own(resource, 'Type') === TYPE)
  return new Map(
    streams.map(([id, resource]) => {
      const config = resolve(own(resource, 'Properties'), `Resources.${id}.Properties`)
      return [id, isObject(config) ? { DeliveryStreamName: id, ...config } : config]
    }),
  )
}

function resolver(template: unknown, resources: Members) {
  const fault = (path: string, expected: string, got: unknown) =>
    new MillraceError('CONFIG', `"${path}" expected ${expected}, got ${typeof got === 'string' ? got : kindOf(got)}`)

  /** Names of resources; undefined while one is looked for. */
  const names = new Map<string, string | undefined>()

  function resolve(value: unknown, path: string): unknown {
    if (Array.isArray(value)) return value.map((one, i) => resolve(one, `${path}[${i}]`)).filter((one) => one !== undefined)
    if (!isObject(value)) return value
    const entries = Object.entries(value)
    const [name, argument] = entries.length === 1 ? entries[0] : []
    if (name === 'Ref') return reference(argument, path)
    if (name?.startsWith('Fn::')) return called(name, argument, path)
    return Object.fromEntries(
      entries.flatMap(([key, member]) => {
        const given = resolve(member, `${path}.${key}`)
        return given === undefined ? [] : [[key, plain(key, given)]]
      }),
    )
  }

  function called(name: string, argument: unknown, path: string): unknown {
    if (name === 'Fn::GetAtt') {
      const [id, attribute] = Array.isArray(argument) ? argument : String(argument).split(/\.(.*)/s)
      return attributeOf(String(id), String(attribute), path)
    }
    if (name === 'Fn::Join' && Array.isArray(argument) && Array.isArray(argument[1]))
      return (resolve(argument[1], `${path}.${name}[1]`) as unknown[]).join(String(argument[0]))
    if (name === 'Fn::Sub') {
      const [text, given] = Array.isArray(argument) ? argument : [argument]
      return String(text).replace(/\$\{([^}]*)\}/g, (_, inner: string) => {
        if (inner.startsWith('!')) return `\${${inner.slice(1)}}`
        const variable = own(given, inner)
        if (variable !== undefined) return String(resolve(variable, path))
        const [id, attribute] = inner.split(/\.(.*)/s)
        return String(attribute === undefined ? reference(id, path) : attributeOf(id, attribute, path))
      })
    }
    throw fault(path, 'a value, Ref, Fn::GetAtt, Fn::Sub or Fn::Join', name)
  }

  function reference(id: unknown, path: string): unknown {
    if (typeof id !== 'string') throw fault(path, 'Ref to a name', id)
    if (Object.hasOwn(PSEUDO, id)) return PSEUDO[id]
    const parameter = own(own(template, 'Parameters'), id)
    if (parameter === undefined) return nameOf(id, path)
    const preset = own(parameter, 'Default')
    if (preset === undefined) throw fault(path, 'a parameter with a Default', id)
    return preset
  }

  function nameOf(id: string, path: string): string {
    if (names.has(id)) {
      const known = names.get(id)
      if (known === undefined) throw fault(path, 'no name that refers to itself', id)
      return known
    }
    const resource = own(resources, id)
    if (resource === undefined) throw fault(path, 'a parameter or resource of the template', id)
    const given = NAMES.map((name) => own(own(resource, 'Properties'), name)).find((name) => name !== undefined)
    names.set(id, undefined)
    const name = given === undefined ? id : String(resolve(given, `Resources.${id}.Properties`))
    names.set(id, name)
    return name
  }

  function attributeOf(id: string, attribute: string, path: string): string {
    const name = nameOf(id, path)
    if (attribute !== 'Arn') return `${name}.${attribute}`
    const type = String(own(own(resources, id), 'Type'))
    return `arn:aws:${Object.hasOwn(ARNS, type) ? ARNS[type] : 'cloudformation:us-east-1:000000000000:'}${name}`
  }

  return resolve
}

/** CloudFormation takes numbers and booleans as text, and the other way round. */
function plain(key: string, value: unknown): unknown {
  if (key === 'ParameterValue') return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value
  if (typeof value !== 'string') return value
  if (/In(MBs|Seconds)$|Bytes$/.test(key) && /^\d{1,15}$/.test(value)) return Number(value)
  return /Enabled$/.test(key) && /^(true|false)$/i.test(value) ? value.toLowerCase() === 'true' : value
}
