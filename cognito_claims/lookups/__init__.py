"""Look-ups: an item of DynamoDB, or the answer of an HTTPS service, for the event's user or app client."""

from cognito_claims.lookups.dynamodb import DynamoDBItem
from cognito_claims.lookups.https import HttpsAnswer
from cognito_claims.lookups.looking_up import Item, LookUp
from cognito_claims.lookups.side_by_side import find_all, prepare_all
from cognito_claims.lookups.values import values_of

__all__ = [
    "DynamoDBItem",
    "HttpsAnswer",
    "Item",
    "LookUp",
    "find_all",
    "prepare_all",
    "values_of",
]
