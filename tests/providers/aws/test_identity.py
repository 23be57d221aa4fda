"""Who we are, what we may, and the smallest policy: enough, and nothing of it is spare."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from scripts.aws_policies import FOLDER, templates
from skykeep.errors import ConfigError, Denied, SkykeepError, Unauthenticated
from skykeep.interfaces.identity import Permission
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.aws.endpoints import KINDS
from skykeep.providers.aws.identity import PROBES, AwsIdentity, open_identity
from skykeep.providers.aws.policy import MANAGER, PARAMETERS, Scope, document
from skykeep.providers.aws.secrets import open_secrets
from tests.peers.aws import REGION
from tests.peers.clients import aws_client, aws_user
from tests.peers.faults import Answer, FaultProxy
from tests.peers.peer import Server
from tests.providers.aws.opening import ENVIRON, context, settings

NOTHING = Attributes()
Rights = Callable[..., dict[str, str]]


def environ_of(address: str, access: str, secret: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": access,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_ENDPOINT_URL": address,
    }


async def identity(environ: dict[str, str], **keys: Any) -> AwsIdentity:
    return await open_identity(settings(**keys), context(environ))


def by_action(found: Any) -> dict[tuple[str, bool], Permission]:
    return {(each.action, "outside" in each.resource): each for each in found}


@pytest.mark.asyncio
@pytest.mark.parametrize("peer", ["moto", "ministack"])
async def test_whoami_is_what_the_judge_says(peer: str, request: Any) -> None:
    server: Server = request.getfixturevalue(peer)
    with closing(aws_client("sts", server.address)) as sts:
        right = sts.get_caller_identity()
    asked = await identity({**ENVIRON, "AWS_ENDPOINT_URL": server.address})
    found = await asked.whoami()
    assert (found.principal, found.account) == (right["Arn"], right["Account"])
    assert (found.source, found.region) == ("environment variables", REGION)
    assert found.expires_at is None
    await asked.close()


@pytest.mark.asyncio
async def test_another_account_than_configured_is_told(moto: Server) -> None:
    asked = await identity(
        {**ENVIRON, "AWS_ENDPOINT_URL": moto.address}, account="999999999999"
    )
    with pytest.raises(ConfigError, match="999999999999"):
        await asked.whoami()
    await asked.close()


@pytest.mark.asyncio
async def test_a_wrong_key_is_found_out(ministack: Server) -> None:
    key = aws_user(ministack.address)
    asked = await identity(environ_of(ministack.address, key.access_key, "wrong"))
    with pytest.raises(Unauthenticated):
        await asked.whoami()
    await asked.close()


@pytest.mark.asyncio
async def test_what_is_no_answer_of_sts_is_an_error(moto: Server) -> None:
    with FaultProxy(moto.address) as proxy:
        asked = await identity({**ENVIRON, "AWS_ENDPOINT_URL": proxy.address})
        for body in (b"<html>hello</html>", b"not xml", b"<a/>"):
            proxy.fail(Answer(200, body))
            with pytest.raises(SkykeepError) as raised:
                await asked.whoami()
            assert type(raised.value).__name__ == "Unavailable"
        await asked.close()


SIMULATED = """<SimulatePrincipalPolicyResponse
 xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>
<IsTruncated>{more}</IsTruncated>{marker}<EvaluationResults>{members}</EvaluationResults>
</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"""


def simulation(allowed: dict[str, str], more: str = "") -> Answer:
    members = "".join(
        f"<member><EvalActionName>{name}</EvalActionName>"
        f"<EvalResourceName>*</EvalResourceName><EvalDecision>{decision}</EvalDecision></member>"
        for name, decision in allowed.items()
    )
    marker = f"<Marker>{more}</Marker>" if more else ""
    text = SIMULATED.format(more=str(bool(more)).lower(), members=members, marker=marker)
    return Answer(200, text.encode())


@pytest.mark.asyncio
async def test_what_a_simulation_says(moto: Server) -> None:
    """As moto does not simulate, the answers are ours, in the form of IAM's API reference."""
    with FaultProxy(moto.address) as proxy:
        asked = await identity(
            {**ENVIRON, "AWS_ENDPOINT_URL": proxy.address}, secret_prefix="myapp/"
        )

        def about(*words: bytes) -> Any:
            return lambda request: all(
                word in request.body for word in (b"SimulatePrincipalPolicy", *words)
            )

        first = {"secretsmanager:GetSecretValue": "allowed"}
        rest = {
            "secretsmanager:DescribeSecret": "implicitDeny",
            "secretsmanager:PutSecretValue": "explicitDeny",
        }
        proxy.fail(simulation(rest), when=about(b"Marker=more", b"myapp"))
        proxy.fail(simulation(first, more="more"), when=about(b"myapp", b"GetSecretValue"))
        outside = {"secretsmanager:GetSecretValue": "allowed"}
        proxy.fail(simulation(outside), when=about(b"elsewhere"))
        needless = {"secretsmanager:PutResourcePolicy": "allowed"}
        proxy.fail(simulation(needless), when=about(b"PutResourcePolicy"))
        proxy.fail(simulation({"secretsmanager:ListSecrets": "allowed"}), when=about())
        found = by_action(await asked.permissions())
        await asked.close()
    assert {each.how for each in found.values()} == {"simulated"}
    assert found["secretsmanager:GetSecretValue", False].allowed
    assert found["secretsmanager:DescribeSecret", False].missing
    assert found["secretsmanager:PutSecretValue", False].missing
    assert found["secretsmanager:ListSecrets", False].allowed
    assert found["secretsmanager:RestoreSecret", False].allowed is None
    assert found["secretsmanager:GetSecretValue", True].needless, "outside of the prefix"
    assert found["secretsmanager:PutResourcePolicy", False].needless
    assert not found["secretsmanager:RotateSecret", False].needless


@pytest.mark.asyncio
@pytest.mark.parametrize("service", ["secretsmanager", "ssm"])
async def test_without_a_simulation_reads_are_tried(ministack: Server, service: str) -> None:
    allowed = {
        "secretsmanager": ["secretsmanager:DescribeSecret", "secretsmanager:ListSecrets"],
        "ssm": ["ssm:GetParameter"],
    }[service]
    key = aws_user(ministack.address, {"Effect": "Allow", "Action": allowed, "Resource": "*"})
    asked = await identity(
        environ_of(ministack.address, key.access_key, key.secret_key),
        service=service,
        secret_prefix="myapp/",
        kms_key="alias/mine",
    )
    found = by_action(await asked.permissions())
    await asked.close()
    for need in Scope(settings(service=service), REGION, None).needs:
        each = found[need.action, False]
        if need.action == "secretsmanager:BatchGetSecretValue":
            continue  # ministack has no such action
        if need.action in PROBES:
            assert (each.allowed, each.how) == (need.action in allowed, "tried"), need.action
        else:
            assert (each.allowed, each.how) == (None, "not tried")
    assert found["kms:Decrypt", False].how == "not tried"


def test_probes_are_reads_of_every_service() -> None:
    reads = {need.action for need in (*MANAGER, *PARAMETERS) if not need.writes}
    assert set(PROBES) == reads


# -- policies


def test_the_templates_are_those_of_the_code() -> None:
    found = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    assert found == templates(), "run scripts/aws_policies.py"


@pytest.fixture
def rights(ministack: Server) -> Rights:
    """A user of ministack with the statements of a policy; its variables."""

    def made(text: str) -> dict[str, str]:
        statements = json.loads(text)["Statement"]
        # The resource of this action is the path (Service Authorization Reference);
        # ministack looks for "*".
        everywhere = "ssm:GetParametersByPath"
        if any(everywhere in each["Action"] for each in statements):
            statements.append({"Effect": "Allow", "Action": everywhere, "Resource": "*"})
        key = aws_user(ministack.address, *statements)
        return environ_of(ministack.address, key.access_key, key.secret_key)

    return made


async def _everything(environ: dict[str, str], service: str, prefix: str) -> None:
    """All operations that the policy is for."""
    driver = await open_secrets(
        settings(service=service, secret_prefix=prefix), context(environ)
    )
    try:
        await driver.create("made", SecretValue("first"), Attributes(tags={"a": "b"}))
        await driver.get("made")
        first = await driver.update("made", SecretValue("second"), NOTHING)
        await driver.annotate("made", Attributes(tags={"c": "d"}))
        await driver.describe("made")
        await driver.versions("made")
        await driver.list("", cursor=None, limit=10)
        await driver.move_stage("made", "blue", first.version)
        if service != "ssm":  # ministack has no UnlabelParameterVersion
            await driver.move_stage("made", "blue", None)
        await driver.delete("made")
        if driver.capabilities.soft_delete:
            await driver.restore("made")
            await driver.purge("made")
    finally:
        await driver.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("service", list(KINDS))
async def test_the_policy_is_enough(rights: Rights, service: str) -> None:
    prefix = f"policy-{uuid.uuid4().hex[:8]}/"
    scope = Scope(settings(service=service, secret_prefix=prefix), REGION, "*")
    await _everything(rights(document(scope, read_only=False)), service, prefix)


@pytest.mark.asyncio
@pytest.mark.parametrize("service", list(KINDS))
async def test_without_one_action_something_is_denied(rights: Rights, service: str) -> None:
    """An action that nothing misses does not belong into the policy."""
    for spare in (need for need in Scope(settings(service=service), REGION, None).needs):
        if spare.action in {
            "secretsmanager:BatchGetSecretValue",  # ministack has no such action
            "ssm:GetParameters",  # for reads that come together; single ones stand in for it
            "ssm:UnlabelParameterVersion",  # ministack has no such action either
            "ssm:LabelParameterVersion",  # of an update: the value is written all the same
        }:
            continue
        prefix = f"policy-{uuid.uuid4().hex[:8]}/"
        scope = Scope(settings(service=service, secret_prefix=prefix), REGION, "*")
        policy = json.loads(document(scope, read_only=False))
        for statement in policy["Statement"]:
            statement["Action"] = [a for a in statement["Action"] if a != spare.action]
        policy["Statement"] = [each for each in policy["Statement"] if each["Action"]]
        with pytest.raises(Denied):
            await _everything(rights(json.dumps(policy)), service, prefix)


@pytest.mark.asyncio
@pytest.mark.parametrize("service", list(KINDS))
async def test_the_reading_policy_reads_only_here(
    rights: Rights, ministack: Server, service: str
) -> None:
    prefix = f"policy-{uuid.uuid4().hex[:8]}/"
    owner = await open_secrets(
        settings(service=service, secret_prefix=prefix, endpoint=ministack.address), context()
    )
    await owner.create("made", SecretValue("v"), NOTHING)
    scope = Scope(settings(service=service, secret_prefix=prefix), REGION, "*")
    environ = rights(document(scope, read_only=True))
    reader = await open_secrets(
        settings(service=service, secret_prefix=prefix), context(environ)
    )
    assert (await reader.get("made")).value.text() == "v"
    assert [each.name for each in (await reader.list("", cursor=None, limit=10)).items]
    for work in (
        reader.update("made", SecretValue("w"), NOTHING),
        reader.create("new", SecretValue("w"), NOTHING),
        reader.delete("made"),
    ):
        with pytest.raises(Denied):
            await work
    elsewhere = await open_secrets(
        settings(service=service, secret_prefix="elsewhere/"), context(environ)
    )
    with pytest.raises(Denied):
        await elsewhere.get("made")
    for driver in (owner, reader, elsewhere):
        await driver.close()


@pytest.mark.parametrize("service", list(KINDS))
@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("1234abcd", "arn:aws-cn:kms:cn-north-1:1:key/1234abcd"),
        ("arn:aws-cn:kms:cn-north-1:2:key/x", "arn:aws-cn:kms:cn-north-1:2:key/x"),
        ("alias/mine", "arn:aws-cn:kms:cn-north-1:1:key/*"),
        ("arn:aws-cn:kms:cn-north-1:2:alias/mine", "arn:aws-cn:kms:cn-north-1:1:key/*"),
    ],
)
def test_the_key_is_bound_to_the_service(service: str, key: str, resource: str) -> None:
    given = settings(service=service, region="cn-north-1", kms_key=key, secret_prefix="x/")
    policy = json.loads(document(Scope(given, "cn-north-1", "1"), read_only=False))
    (statement,) = [each for each in policy["Statement"] if each["Sid"] == "Key"]
    assert statement["Resource"] == [resource]
    condition = statement["Condition"]
    assert condition["StringEquals"] == {
        "kms:ViaService": f"{service}.cn-north-1.amazonaws.com.cn"
    }
    assert ("ForAnyValue:StringEquals" in condition) == ("alias/" in key)


@pytest.mark.asyncio
async def test_the_policy_of_a_target_needs_no_call() -> None:
    asked = await identity({}, secret_prefix="myapp/", account="123456789012")
    made = asked.policy()
    assert made.language == "AWS IAM JSON"
    assert "arn:aws:secretsmanager:us-east-1:123456789012:secret:myapp/*" in made.text
    assert "Delete" not in asked.policy(read_only=True).text
    await asked.close()
