"""The pre token generation trigger.

Set `Handler` to `cognito_claims.functions.pre_token_generation.handler`.
"""

import os

from cognito_claims.handlers import Handler, pre_token_generation_from_env

handler: Handler = pre_token_generation_from_env(os.environ)
