"""A name of one's own for the API, with the certificate that its owner has in ACM."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from stacks.naming import attribute
from stacks.options import Options


class CustomDomain(Construct):
    """A regional domain that leads to one stage of an API. Offers `target`, which its DNS record has to name."""

    def __init__(
        self, scope: Construct, id: str, *, api_id: str, stage_name: str, options: Options, tls: Mapping[str, str]
    ) -> None:
        super().__init__(scope, id)
        domain = _resource(
            self,
            "ApiGateway::DomainName",
            DomainName=options.domain,
            RegionalCertificateArn=options.certificate_arn,
            EndpointConfiguration={"Types": ["REGIONAL"]},
            **tls,
        )
        _resource(self, "ApiGateway::BasePathMapping", DomainName=domain.ref, RestApiId=api_id, Stage=stage_name)
        self.target = attribute(domain, "RegionalDomainName")
        if options.zone_id:
            _resource(
                self,
                "Route53::RecordSet",
                HostedZoneId=options.zone_id,
                Name=options.domain,
                Type="A",
                AliasTarget={"DNSName": self.target, "HostedZoneId": attribute(domain, "RegionalHostedZoneId")},
            )


def _resource(scope: Construct, kind: str, **properties: Any) -> CfnResource:
    return CfnResource(scope, kind.rpartition(":")[2], type=f"AWS::{kind}", properties=properties)
