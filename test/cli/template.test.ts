// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is what Fn::Sub takes
import { describe, expect, it } from 'vitest'
import { streamsOf } from '../../src/cli/template.js'

const template = (Properties: unknown, more: object = {}) => ({
  Parameters: { Env: { Type: 'String', Default: 'dev' }, Open: { Type: 'String' }, ...(more as { Parameters?: object }).Parameters },
  Resources: {
    Lake: { Type: 'AWS::S3::Bucket' },
    Named: { Type: 'AWS::S3::Bucket', Properties: { BucketName: { 'Fn::Sub': 'lake-${Env}-${AWS::AccountId}' } } },
    Shape: { Type: 'AWS::Serverless::Function' },
    Source: { Type: 'AWS::Kinesis::Stream', Properties: { Name: 'clicks' } },
    Loop: { Type: 'AWS::S3::Bucket', Properties: { BucketName: { 'Fn::Join': ['', [{ Ref: 'Loop' }]] } } },
    Stream: { Type: 'AWS::KinesisFirehose::DeliveryStream', Properties },
  },
})
const read = (Properties: unknown) => streamsOf(template(Properties))?.get('Stream')

describe('a template', () => {
  it('has streams by their logical ids, which name those without a name', () => {
    expect([...(streamsOf(template({ Prefix: 'a/' })) ?? [])]).toEqual([['Stream', { DeliveryStreamName: 'Stream', Prefix: 'a/' }]])
    expect(read({ DeliveryStreamName: { 'Fn::Sub': '${Env}-clicks' } })).toEqual({ DeliveryStreamName: 'dev-clicks' })
    expect(streamsOf({ Resources: { Lake: { Type: 'AWS::S3::Bucket' }, odd: null } })?.size).toBe(0)
  })

  it.each([{}, { DeliveryStreamName: 'x' }, { Resources: [] }, { Resources: null }, null, [], 'text'])('is not %j', (value) => {
    expect(streamsOf(value)).toBe(undefined)
  })

  it.each<[unknown, unknown]>([
    [{ 'Fn::GetAtt': ['Lake', 'Arn'] }, 'arn:aws:s3:::Lake'],
    [{ 'Fn::GetAtt': 'Named.Arn' }, 'arn:aws:s3:::lake-dev-000000000000'],
    [{ 'Fn::GetAtt': ['Shape', 'Arn'] }, 'arn:aws:lambda:us-east-1:000000000000:function:Shape'],
    [{ 'Fn::Sub': '${Shape.Arn}:$LATEST' }, 'arn:aws:lambda:us-east-1:000000000000:function:Shape:$LATEST'],
    [{ 'Fn::GetAtt': ['Source', 'Arn'] }, 'arn:aws:kinesis:us-east-1:000000000000:stream/clicks'],
    [{ 'Fn::GetAtt': ['Stream', 'Arn'] }, expect.stringMatching(/^arn:aws:.*Stream$/)],
    [{ 'Fn::GetAtt': ['Lake', 'DomainName'] }, 'Lake.DomainName'],
    [{ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':s3:::', { Ref: 'Named' }]] }, 'arn:aws:s3:::lake-dev-000000000000'],
    [{ 'Fn::Sub': ['${A}/${!B}/!{timestamp:yyyy}/', { A: { Ref: 'Env' } }] }, 'dev/${B}/!{timestamp:yyyy}/'],
    [{ Ref: 'AWS::NoValue' }, undefined],
    [[{ Ref: 'AWS::NoValue' }, { Ref: 'Env' }], ['dev']],
  ])('fills in %j', (value, expected) => {
    expect((read({ value }) as { value: unknown }).value).toEqual(expected)
  })

  it('takes numbers and flags as text, as CloudFormation does', () => {
    const Parameters = [
      { ParameterName: 'NumberOfRetries', ParameterValue: 3 },
      { ParameterName: 'x', ParameterValue: '3' },
    ]
    expect(read({ SizeInMBs: '64', IntervalInSeconds: '60', Enabled: 'true', Prefix: '64', Parameters })).toEqual({
      DeliveryStreamName: 'Stream',
      SizeInMBs: 64,
      IntervalInSeconds: 60,
      Enabled: true,
      Prefix: '64',
      Parameters: ['3', '3'].map((ParameterValue, i) => ({ ...Parameters[i], ParameterValue })),
    })
  })

  it.each<[unknown, string]>([
    [{ 'Fn::ImportValue': 'x' }, 'expected a value, Ref, Fn::GetAtt, Fn::Sub or Fn::Join, got Fn::ImportValue'],
    [{ Ref: 'Nowhere' }, 'expected a parameter or resource of the template, got Nowhere'],
    [{ Ref: '__proto__' }, 'expected a parameter or resource of the template, got __proto__'],
    [{ 'Fn::Sub': '${Open}' }, 'expected a parameter with a Default, got Open'],
    [{ Ref: 'Loop' }, 'expected no name that refers to itself, got Loop'],
    [{ Ref: 5 }, 'expected Ref to a name, got 5'],
  ])('refuses %j with its path', (BucketARN, message) => {
    const path = message.includes('itself') ? 'Resources.Loop.Properties[0]' : 'Resources.Stream.Properties.S3.BucketARN'
    expect(() => read({ S3: { BucketARN } })).toThrow(`"${path.replace('[0]', '')}`)
    expect(() => read({ S3: { BucketARN } })).toThrow(message)
  })
})
