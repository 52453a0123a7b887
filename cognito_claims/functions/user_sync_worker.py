"""The worker of the user sync's queue; needs the extra `worker`.

Set `Handler` to `cognito_claims.functions.user_sync_worker.handler`.
"""

import os

from cognito_claims.sync.worker.extra import worker_extra

with worker_extra():
    import boto3
    from botocore.config import Config

    from cognito_claims.sync.hasura import HasuraUsers
    from cognito_claims.sync.worker.handler import Worker
    from cognito_claims.sync.worker.redelivery import Redelivery
    from cognito_claims.sync.worker.session import HttpSession

_IN_TIME = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard"})

users: HasuraUsers = HasuraUsers.from_env(os.environ)
users.http = HttpSession(users.url)
handler: Worker = Worker(users, Redelivery(boto3.client("sqs", config=_IN_TIME)))
