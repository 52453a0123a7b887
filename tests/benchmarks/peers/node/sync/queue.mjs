// Everybody who signs in goes into a queue, by the AWS SDK.
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const client = new SQSClient({});

export async function handler(event) {
  const values = { id: event.request.userAttributes.sub, username: event.userName };
  const message = { QueueUrl: process.env.USER_SYNC_QUEUE_URL, MessageBody: JSON.stringify(values) };
  await client.send(new SendMessageCommand(message));
  return event;
}
