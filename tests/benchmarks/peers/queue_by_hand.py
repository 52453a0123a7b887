"""Everybody who signs in goes into a queue, by boto3."""

import json
import os
from typing import Any

import boto3

_sqs = boto3.client("sqs")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    values = {"id": event["request"]["userAttributes"]["sub"], "username": event["userName"]}
    _sqs.send_message(QueueUrl=os.environ["USER_SYNC_QUEUE_URL"], MessageBody=json.dumps(values))
    return event
