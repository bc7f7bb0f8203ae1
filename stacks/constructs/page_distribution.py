"""CloudFront in front of the page's bucket, which nobody else may read."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from contract.page import security_headers
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.private_bucket import policy_of
from stacks.naming import REGION, attribute, distribution_arn, page_function
from stacks.options import Options
from stacks.stage import Stage

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # AWS's own, the same in every account
_YEAR_S = 31_536_000
_OF_SECURITY = ("Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options")
"""What CloudFront takes only where it has a place of its own for it."""


class PageDistribution(Construct):
    """Serves `bucket` by TLS alone. Offers `resource`, `domain_name` and the page's `origin`.

    `reached` are the origins that the page's scripts may talk to, besides the page's own.
    """

    def __init__(
        self, scope: Construct, id: str, *, bucket: CfnResource, stage: Stage, options: Options, reached: Sequence[str]
    ) -> None:
        super().__init__(scope, id)
        name = f"{page_function(stage)}-{REGION}"  # CloudFront is one for all regions
        self.resource = _distribution(
            self,
            bucket,
            comment=f"Fovea {stage.name}: the page.",
            options=options,
            access=_access(self, name),
            headers=_headers(self, name, reached),
        )
        self.domain_name = attribute(self.resource, "DomainName")
        self.origin = f"https://{options.page_domain or self.domain_name}"
        reading = {
            "Sid": "OnlyThisDistribution",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": f"{attribute(bucket, 'Arn')}/*",
            "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn(self.resource.ref)}},
        }
        policy_of(self, "BucketPolicy", bucket, [reading])


def _access(scope: Construct, name: str) -> str:
    config = {
        "Name": name,
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    return _resource(scope, "OriginAccessControl", OriginAccessControlConfig=config).ref


def _headers(scope: Construct, name: str, reached: Sequence[str]) -> str:
    headers = security_headers(*reached)
    of_security = {
        "ContentSecurityPolicy": {"ContentSecurityPolicy": headers["Content-Security-Policy"], "Override": True},
        "ContentTypeOptions": {"Override": True},
        "ReferrerPolicy": {"ReferrerPolicy": headers["Referrer-Policy"], "Override": True},
        "StrictTransportSecurity": {"AccessControlMaxAgeSec": _YEAR_S, "IncludeSubdomains": False, "Override": True},
    }
    others = [
        {"Header": header, "Value": value, "Override": True}
        for header, value in headers.items()
        if header not in _OF_SECURITY
    ]
    config = {"Name": name, "SecurityHeadersConfig": of_security, "CustomHeadersConfig": {"Items": others}}
    return _resource(scope, "ResponseHeadersPolicy", ResponseHeadersPolicyConfig=config).ref


def _distribution(
    scope: Construct, bucket: CfnResource, *, comment: str, options: Options, access: str, headers: str
) -> CfnResource:
    origin = {
        "Id": "bucket",
        "DomainName": attribute(bucket, "RegionalDomainName"),
        "OriginAccessControlId": access,
        "S3OriginConfig": {"OriginAccessIdentity": ""},  # which has to be there, and say nothing, beside the control
    }
    behavior = {
        "TargetOriginId": "bucket",
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": ["GET", "HEAD"],
        "Compress": True,
        "CachePolicyId": CACHING_OPTIMIZED,
        "ResponseHeadersPolicyId": headers,
    }
    config = {
        "Comment": comment,
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "HttpVersion": "http2and3",
        "IPV6Enabled": True,
        "PriceClass": "PriceClass_100",
        "Origins": [origin],
        "DefaultCacheBehavior": behavior,
        **_name(options),
    }
    made = _resource(scope, "Distribution", DistributionConfig=config)
    _acknowledge(made, options)
    return made


def _name(options: Options) -> Mapping[str, Any]:
    if options.page_domain is None:
        return {"ViewerCertificate": {"CloudFrontDefaultCertificate": True}}
    certificate = {
        "AcmCertificateArn": options.page_certificate_arn,
        "MinimumProtocolVersion": "TLSv1.2_2021",
        "SslSupportMethod": "sni-only",
    }
    return {"Aliases": [options.page_domain], "ViewerCertificate": certificate}


def _acknowledge(distribution: CfnResource, options: Options) -> None:
    acknowledge(distribution, "CFR1", "whoever may call is told by the API, whichever country they are in")
    acknowledge(
        distribution,
        "CFR2",
        "static files and nothing behind them; a web ACL is billed by the month, in us-east-1 alone",
    )
    acknowledge(distribution, "CFR3", "the log would name the address of everybody who opened the page, and no call")
    if options.page_domain is None:
        acknowledge(
            distribution, "CFR4", "CloudFront's own name has CloudFront's own rule; page_domain has TLS 1.2 or newer"
        )


def _resource(scope: Construct, kind: str, **properties: Any) -> CfnResource:
    return CfnResource(scope, kind, type=f"AWS::CloudFront::{kind}", properties=properties)
