import re
from string import ascii_letters, ascii_lowercase, digits

import pytest
from botocore.session import get_session

from cognito_claims.secret import Reference, parse

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/fauna-a1B2c3"
FORM = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME"
NAME = f"the ARN must end with the secret's name, as in {FORM}, or with #key behind it"
PATH = "a parameter's path has letters, digits and _.-/ only, and ends with a name"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (ARN, Reference("secretsmanager", "eu-central-1", ARN, None)),
        (f"{ARN}#key", Reference("secretsmanager", "eu-central-1", ARN, "key")),
        (
            f"{ARN}#a key:with#signs",
            Reference("secretsmanager", "eu-central-1", ARN, "a key:with#signs"),
        ),
        (
            "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:rds!db-/_+=.@-",
            Reference(
                "secretsmanager",
                "cn-north-1",
                "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:rds!db-/_+=.@-",
                None,
            ),
        ),
        (
            "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:n",
            Reference(
                "secretsmanager",
                "us-gov-west-1",
                "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:n",
                None,
            ),
        ),
        ("ssm:/name", Reference("ssm", None, "/name", None)),
        ("ssm:/shop/Fauna_1.2-3:label", Reference("ssm", None, "/shop/Fauna_1.2-3:label", None)),
    ],
)
def test_a_reference_says_where_a_secret_is_kept(text: str, reference: Reference) -> None:
    assert parse(text) == reference


@pytest.mark.parametrize("partition", get_session().get_available_partitions())
def test_a_secret_may_be_kept_in_every_partition(partition: str) -> None:
    arn = ARN.replace("arn:aws:", f"arn:{partition}:")

    assert parse(arn) == Reference("secretsmanager", "eu-central-1", arn, None)


@pytest.mark.parametrize(
    "text", ["", "fnAE-secret", "arn", "ssm", "arns:x", "a ssm:/x", "#key", "{{x}}"]
)
def test_another_text_is_a_literal_secret(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("arn:", f"an ARN of something else; expected {FORM}, or ssm:/path"),
        (
            "arn:aws:ssm:eu-central-1:123456789012:parameter/hunter2",
            f"an ARN of something else; expected {FORM}, or ssm:/path",
        ),
        (
            ARN.replace("aws", "hunter2"),
            "the ARN's partition must be one of aws, aws-cn, aws-eusc, aws-iso, aws-iso-b,"
            " aws-iso-e, aws-iso-f, aws-us-gov",
        ),
        (ARN.replace("eu-central-1", ""), "the ARN's region must be one of AWS's"),
        (ARN.replace("eu-central-1", "hunter2.org/"), "the ARN's region must be one of AWS's"),
        (ARN.replace("12", "1"), "the ARN's account must have 12 digits"),
        (ARN.replace("12", "1٢"), "the ARN's account must have 12 digits"),
        (ARN.replace("12", "1²"), "the ARN's account must have 12 digits"),
        (ARN.replace("12", "1x"), "the ARN's account must have 12 digits"),
        (ARN.replace(":secret:", ":hunter2:"), f"the ARN must be a secret's, as in {FORM}"),
        ("arn:aws:secretsmanager:r:123456789012:secret:", NAME),
        ("arn:aws:secretsmanager:r:123456789012:secret", NAME),
        (f"{ARN}:hunter2::", NAME),
        (f"{ARN}*", NAME),
        (f"{ARN}#", "the key behind the # is empty"),
        ("ssm:hunter2", "a parameter's path starts with a slash, as in ssm:/path"),
        ("ssm:", "a parameter's path starts with a slash, as in ssm:/path"),
        ("ssm:/hunter2#key", "a parameter has no #key; Secrets Manager has"),
        ("ssm:/", PATH),
        ("ssm:/hunter2/", PATH),
        ("ssm:/hunter 2", PATH),
        ("ssm:/hünter2", PATH),
        ("ARN:hunter2", "a reference starts with arn: or ssm:, in small letters"),
        ("Ssm:/hunter2", "a reference starts with arn: or ssm:, in small letters"),
        (
            "{{resolve:secretsmanager:hunter2}}",
            "CloudFormation left its reference as it is; expected an ARN or ssm:/path",
        ),
    ],
)
def test_what_only_looks_like_a_reference_is_told_without_the_text(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("arn:aws:secretsmanager:eu-central-1:123456789012:secret:a{}a", "/_+=.@-!"),
        ("ssm:/a{}a", "/_.-:"),
    ],
)
def test_a_name_has_letters_digits_and_a_few_other_characters(text: str, others: str) -> None:
    taken = {chr(code) for code in range(0x300) if sound(text.format(chr(code)))}
    # Behind a # there is a key.
    assert taken - {"#"} == {*ascii_letters, *digits, *others}


def test_a_region_has_small_letters_digits_and_hyphens() -> None:
    regions = (ARN.replace("eu", chr(code)) for code in range(0x300))
    found = {reference.region for reference in map(sound, regions) if reference is not None}
    assert found == {f"{letter}-central-1" for letter in (*ascii_lowercase, *digits, "-")}


def sound(text: str) -> Reference | None:
    try:
        return parse(text)
    except ValueError:
        return None
