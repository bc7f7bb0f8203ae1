"""Who may call a local run: of beta, which asks for a signature, and of one that asks for a token."""

import base64
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.requests import Request

from experiments.local_run import start_local
from local.assembly import Route
from local.callers import Callers
from local.refused import Refused
from local.tokens import Users
from models.registry import ROOT
from tests.local_run import FUNDUS, PREDICT

MODELS = "/models"


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    with start_local(tmp_path_factory.mktemp("signed"), "--stage=beta") as started:
        yield started


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory):
    with start_local(tmp_path_factory.mktemp("signed-in"), "-c", "auth=cognito") as started:
        yield started


def credentials(local) -> Credentials:
    return Credentials(*local.shown("CREDENTIALS").split(":"))


def sign(local, method="GET", path=MODELS, body=b"", *, by=None, service="execute-api", region="us-east-1", **headers):
    """A request as boto3's signer makes it."""
    request = AWSRequest(method, local.url + path, headers, body)
    SigV4Auth(by or credentials(local), service, region).add_auth(request)
    return {"method": method, "url": request.url, "headers": dict(request.headers), "content": body}


def send(asked, **changed) -> httpx.Response:
    return httpx.request(**asked | changed, timeout=60)


def code(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == answer.headers["x-amzn-requestid"]
    return error["code"]


def test_a_signed_photograph_is_graded(signed):
    content = {"content-type": "image/jpeg"}
    answer = send(sign(signed, "POST", f"{PREDICT}?top_k=2&endpoint=serverless", FUNDUS.read_bytes(), **content))
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["predictions"]) == 2


def test_the_commands_that_it_prints_work(signed, signed_in):
    for local, variable in ((signed, "CREDENTIALS"), (signed_in, "TOKEN")):
        (command,) = [line.strip() for line in local.said.splitlines() if "retinopathy/samples/drawn" in line]
        environment = os.environ | {variable: local.shown(variable)}
        done = subprocess.run(
            ["bash", "-c", f"{command} --silent --show-error"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert len(json.loads(done.stdout)["predictions"]) == 5


def yesterday(local):
    """Signed a day ago, by botocore's own arithmetic on another clock."""
    request = AWSRequest("GET", local.url + MODELS)
    signer = SigV4Auth(credentials(local), "execute-api", "us-east-1")
    request.context["timestamp"] = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    signer._inject_signature_to_request(request, signature)
    return {"method": "GET", "url": request.url, "headers": dict(request.headers)}


def other_secret(local):
    return sign(local, by=Credentials(credentials(local).access_key, "guessed"))


def tampered_body(local):
    return sign(local, "POST", PREDICT, b"one thing") | {"content": b"another"}


def tampered_body_that_keeps_its_digest(local):
    digest = {"x-amz-content-sha256": sha256(b"one thing").hexdigest()}
    return sign(local, "POST", PREDICT, b"one thing", **digest) | {"content": b"another"}


def tampered_header(local):
    asked = sign(local, "POST", PREDICT, b"{}", **{"content-type": "application/json"})
    return asked | {"headers": asked["headers"] | {"content-type": "image/jpeg"}}


REFUSALS = {
    "unsigned": (lambda local: {"method": "GET", "url": local.url + MODELS}, 401, "UNSIGNED_REQUEST"),
    "unknown route": (lambda local: sign(local, path="/nothing"), 401, "UNSIGNED_REQUEST"),
    "an API key": (
        lambda local: {"method": "GET", "url": local.url + MODELS, "headers": {"x-api-key": "local"}},
        401,
        "UNSIGNED_REQUEST",
    ),
    "a token": (
        lambda local: {"method": "GET", "url": local.url + MODELS, "headers": {"authorization": "Bearer a.b.c"}},
        403,
        "INVALID_SIGNATURE",
    ),
    "unknown access key": (lambda local: sign(local, by=Credentials("AKIANOBODY", "x")), 403, "ACCESS_DENIED"),
    "other secret": (other_secret, 403, "INVALID_SIGNATURE"),
    "other region": (lambda local: sign(local, region="eu-west-1"), 403, "INVALID_SIGNATURE"),
    "other service": (lambda local: sign(local, service="sagemaker"), 403, "INVALID_SIGNATURE"),
    "other path": (lambda local: sign(local) | {"url": local.url + "/openapi.json"}, 403, "INVALID_SIGNATURE"),
    "other query": (lambda local: sign(local) | {"url": f"{local.url}{MODELS}?a=1"}, 403, "INVALID_SIGNATURE"),
    "other method": (
        lambda local: sign(local, "POST", PREDICT) | {"url": local.url + MODELS, "method": "GET"},
        403,
        "INVALID_SIGNATURE",
    ),
    "tampered body": (tampered_body, 403, "INVALID_SIGNATURE"),
    "tampered body, its digest sent": (tampered_body_that_keeps_its_digest, 403, "INVALID_SIGNATURE"),
    "tampered header": (tampered_header, 403, "INVALID_SIGNATURE"),
    "a day old": (yesterday, 403, "INVALID_SIGNATURE"),
}


@pytest.mark.parametrize(("ask", "status", "expected"), REFUSALS.values(), ids=REFUSALS)
def test_refuses_what_is_not_signed_well_and_then_answers_a_good_request(signed, ask, status, expected):
    refused = send(ask(signed))
    assert (refused.status_code, code(refused)) == (status, expected)
    assert send(sign(signed)).status_code == 200


def test_curl_signs_with_a_session_token_too(signed):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    command = f"""curl --silent --aws-sigv4 aws:amz:us-east-1:execute-api --user "$CREDENTIALS" \
        -H "x-amz-security-token: a/b+c" {signed.url}/models"""
    environment = os.environ | {"CREDENTIALS": signed.shown("CREDENTIALS")}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["models"]


def test_a_signed_api_describes_its_signature(signed, signed_in):
    described = send(sign(signed, path="/openapi.json")).json()
    assert described["security"] == [{"iam": []}]
    assert described["components"]["securitySchemes"]["iam"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    described = get(signed_in, f"Bearer {signed_in.shown('TOKEN')}", "/openapi.json").json()
    assert described["security"] == [{"cognito": []}]
    assert described["components"]["securitySchemes"]["cognito"]["scheme"] == "bearer"


def get(local, authorization: str | None, path: str = MODELS) -> httpx.Response:
    headers = {"authorization": authorization} if authorization else {}
    return httpx.get(local.url + path, headers=headers, timeout=60)


def claims_of(token: str) -> dict:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def without_algorithm(token: str) -> str:
    header, body, _ = token.split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    return f"{header}.{body}."


def with_its_claims_changed(token: str) -> str:
    header, _, signature = token.split(".")
    body = json.dumps(claims_of(token) | {"email": "root@example.com"}).encode()
    return f"{header}.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{signature}"


def by_a_shared_secret(token: str) -> str:
    return jwt.encode({"alg": "HS256"}, claims_of(token), OctKey.generate_key(256))


FORGED = {
    "none": lambda _: None,
    "nothing after Bearer": lambda _: "Bearer",
    "no token": lambda _: "Bearer a.b.c",
    "other key": lambda token: jwt.encode({"alg": "RS256"}, claims_of(token), RSAKey.generate_key(2048)),
    "no algorithm": without_algorithm,
    "a shared secret": by_a_shared_secret,
    "changed claims": with_its_claims_changed,
    "cut": lambda token: token[:-8],
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_refuses_a_forged_token_and_then_answers_a_good_one(signed_in, forge):
    token = signed_in.shown("TOKEN")
    refused = get(signed_in, forge(token))
    assert (refused.status_code, code(refused)) == (401, "INVALID_TOKEN")
    for good in (f"Bearer {token}", token):  # API Gateway takes both
        assert get(signed_in, good).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 1_700_000_000},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"aud": "another-client"},
        {"token_use": "access"},
    ],
    ids=["expired", "other issuer", "other client", "access token"],
)
def test_refuses_a_token_that_the_right_key_signed_for_something_else(changed):
    users = Users()
    with pytest.raises(Refused, match="UNAUTHORIZED"):
        users.claims(f"Bearer {users.issue(**changed)}")
    assert users.claims(f"Bearer {users.token}")["token_use"] == "id"


def test_a_function_is_told_who_calls_as_api_gateway_tells_it(tmp_path):
    callers = Callers(tmp_path)

    def told(authorization: str, headers: dict[str, str]):
        asked = AWSRequest("GET", "http://127.0.0.1/models", headers)
        if authorization == "AWS_IAM":
            SigV4Auth(Credentials(*callers.access_key), "execute-api", "us-east-1").add_auth(asked)
        raw = [(name.lower().encode(), value.encode()) for name, value in asked.headers.items()]
        scope = {"type": "http", "method": "GET", "path": "/models", "raw_path": b"/models", "query_string": b""}
        scope |= {"headers": [(b"host", b"127.0.0.1"), *raw], "client": ("127.0.0.1", 1)}
        route = Route("GET", "/models", authorization == "NONE", authorization, 29, None)
        return callers.admitted(route, Request(scope), b"")

    identity = told("AWS_IAM", {})["identity"]
    assert identity["userArn"] == "arn:aws:iam::000000000000:user/local"
    assert (identity["accessKey"], identity["apiKey"]) == (callers.access_key.id, None)
    identity = told("NONE", {"x-api-key": callers.key})["identity"]
    assert (identity["apiKey"], identity["userArn"]) == (callers.key, None)
    claims = told("COGNITO_USER_POOLS", {"authorization": callers.users.token})["authorizer"]["claims"]
    assert claims["email_verified"] == "true"
    assert claims["exp"].endswith(datetime.now(UTC).strftime("%Y"))


def test_credentials_stay_and_are_their_owners_alone(tmp_path):
    assert Callers(tmp_path).access_key == Callers(tmp_path).access_key
    assert Callers(tmp_path).key == Callers(tmp_path).key
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
