"""What SageMaker's role may do to put an endpoint's instances into a VPC.

The list is AWS's own for CreateModel with a VpcConfig (SageMaker developer guide, "How to use SageMaker execution
roles"). AWS makes the network interfaces, so nobody knows their names; where they stand is exact.
"""

from collections.abc import Iterator

from models.vpc import Vpc
from stacks.constructs.role import Statement
from stacks.naming import arn

JOINED = "network interfaces, which AWS names, in exactly these subnets"


def join_network(vpc: Vpc | None) -> Iterator[Statement]:
    """Network interfaces in the subnets of `vpc`, with its security groups."""
    if vpc is None:
        return
    interfaces = arn("ec2", "network-interface/*")
    subnets = [arn("ec2", f"subnet/{each}") for each in vpc.subnet_ids]
    groups = [arn("ec2", f"security-group/{each}") for each in vpc.security_group_ids]
    yield {"Action": "ec2:CreateNetworkInterface", "Resource": [interfaces, *subnets, *groups]}
    of_one = ("CreateNetworkInterfacePermission", "DeleteNetworkInterface", "DeleteNetworkInterfacePermission")
    yield {"Action": [f"ec2:{action}" for action in of_one], "Resource": interfaces}
    described = ("NetworkInterfaces", "Vpcs", "DhcpOptions", "Subnets", "SecurityGroups")
    yield {"Action": [f"ec2:Describe{what}" for what in described], "Resource": "*"}  # AWS offers no resource
