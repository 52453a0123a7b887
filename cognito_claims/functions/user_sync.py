"""The post authentication and post confirmation triggers.

Set `Handler` to `cognito_claims.functions.user_sync.handler`.
"""

import os

from cognito_claims.handlers import Handler, user_sync_from_env

handler: Handler = user_sync_from_env(os.environ)
