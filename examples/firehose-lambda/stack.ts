// The same with the CDK (aws-cdk-lib 2). What it synthesises is a configuration for this machine too:
// millrace deliver --config cdk.out/STACK.template.json --module transform.mjs --out lake < records.ndjson
import { Aws, Stack, type StackProps } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose'
import { Architecture, Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Duration } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'

export class LogsStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props)
    const deliveryStreamName = 'logs'
    const transform = new Lambda(this, 'Transform', {
      code: Code.fromAsset('dist'),
      handler: 'handler.handler',
      runtime: Runtime.NODEJS_22_X,
      architecture: Architecture.ARM_64,
      memorySize: 1024,
      timeout: Duration.seconds(60),
    })
    // for reingest(); by name, since the stream names this function
    transform.addToRolePolicy(
      new PolicyStatement({
        actions: ['firehose:PutRecordBatch'],
        resources: [`arn:${Aws.PARTITION}:firehose:${Aws.REGION}:${Aws.ACCOUNT_ID}:deliverystream/${deliveryStreamName}`],
      }),
    )
    const bucket = new Bucket(this, 'Bucket')
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('firehose.amazonaws.com') })
    const grants = [bucket.grantReadWrite(role), transform.grantInvoke(role)]
    const parameter = (parameterName: string, parameterValue: string) => ({ parameterName, parameterValue })
    const stream = new CfnDeliveryStream(this, 'Stream', {
      deliveryStreamName,
      deliveryStreamType: 'DirectPut',
      extendedS3DestinationConfiguration: {
        bucketArn: bucket.bucketArn,
        roleArn: role.roleArn,
        bufferingHints: { sizeInMBs: 64, intervalInSeconds: 300 },
        compressionFormat: 'GZIP',
        // Cannot be switched on later.
        dynamicPartitioningConfiguration: { enabled: true },
        prefix: 'service=!{partitionKeyFromLambda:service}/day=!{timestamp:yyyy-MM-dd}/',
        errorOutputPrefix: 'errors/!{firehose:error-output-type}/day=!{timestamp:yyyy-MM-dd}/',
        processingConfiguration: {
          enabled: true,
          processors: [
            {
              type: 'Lambda',
              parameters: [
                parameter('LambdaArn', transform.functionArn),
                parameter('RoleArn', role.roleArn),
                // Base64 and JSON let a response outgrow its request: small batches leave it room.
                parameter('BufferSizeInMBs', '1'),
                parameter('BufferIntervalInSeconds', '60'),
                parameter('NumberOfRetries', '3'),
              ],
            },
          ],
        },
      },
    })
    for (const grant of grants) grant.applyBefore(stream)
  }
}
