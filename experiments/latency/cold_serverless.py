"""Makes a serverless endpoint cold by UpdateEndpoint, which deploys a configuration to new servers: to a copy of its
own, under a temporary name, and the next time back. It always ends on its own, and the copy goes.

A copy costs nothing. One that a killed run left is known by its tag: the next run goes back from it, and deletes it.
"""

import time
from typing import Any

from botocore.exceptions import WaiterError

from experiments.latency.errors import AwsFault
from experiments.latency.progress import Say

COPY_OF = "fovea:cold-copy-of"
"""The tag of a copy; its value is the name of the configuration that it is one of."""

_POLL_S, _POLLS = 5, 360  # half an hour


class ColdServerless:
    """The endpoint `name`, by boto3's client of SageMaker. Every method raises botocore's errors as they are."""

    def __init__(self, client: Any, name: str, say: Say) -> None:
        self._client, self._name, self._say = client, name, say
        in_use = self._in_use()
        left = self._copied_from(in_use)
        self._original, self._copy = (left, in_use) if left else (in_use, f"{in_use[:40]}-cold-{time.time_ns():x}"[:63])
        self._has_copy = left is not None

    def make_cold(self) -> None:
        """Blocks until other servers than before are in service. Raises AwsFault."""
        if not self._has_copy:
            self._has_copy = True  # before it is so: what is interrupted here must be cleaned up too
            self._create_copy()
        self._switch(self._copy if self._in_use() == self._original else self._original)

    def close(self) -> None:
        """Back to the endpoint's own configuration, and without the copy. Tells what is left when it is interrupted."""
        if not self._has_copy:
            return
        try:
            self._wait()
            if self._in_use() != self._original:
                self._say(f"{self._name}: back to its own configuration {self._original} …")
                self._switch(self._original)
            if self._exists(self._copy):
                self._client.delete_endpoint_config(EndpointConfigName=self._copy)
        except BaseException:
            self._say(
                f"{self._name}: is not as it was; once it is InService: aws sagemaker update-endpoint --endpoint-name "
                f"{self._name} --endpoint-config-name {self._original}; when that is InService: "
                f"aws sagemaker delete-endpoint-config --endpoint-config-name {self._copy}"
            )
            raise
        self._has_copy = False

    def _in_use(self) -> str:
        in_use: str = self._client.describe_endpoint(EndpointName=self._name)["EndpointConfigName"]
        return in_use

    def _copied_from(self, config: str) -> str | None:
        arn = self._client.describe_endpoint_config(EndpointConfigName=config)["EndpointConfigArn"]
        tags = self._client.list_tags(ResourceArn=arn)["Tags"]
        return next((tag["Value"] for tag in tags if tag["Key"] == COPY_OF), None)

    def _exists(self, config: str) -> bool:
        listed = self._client.list_endpoint_configs(NameContains=config)["EndpointConfigs"]
        return config in (each["EndpointConfigName"] for each in listed)

    def _create_copy(self) -> None:
        told = self._client.describe_endpoint_config(EndpointConfigName=self._original)
        taken = self._client.meta.service_model.operation_model("CreateEndpointConfig").input_shape.members
        same = {key: value for key, value in told.items() if value and key in taken and key != "EndpointConfigName"}
        tags = [{"Key": COPY_OF, "Value": self._original}]
        self._client.create_endpoint_config(EndpointConfigName=self._copy, Tags=tags, **same)

    def _switch(self, config: str) -> None:
        self._wait()
        self._client.update_endpoint(EndpointName=self._name, EndpointConfigName=config)
        self._wait()
        if self._in_use() != config:  # SageMaker went back by itself
            raise AwsFault(f"{self._name}: could not be updated, so it cannot be made cold; give --cold-by idle")

    def _wait(self) -> None:
        waiter = self._client.get_waiter("endpoint_in_service")
        try:
            waiter.wait(EndpointName=self._name, WaiterConfig={"Delay": _POLL_S, "MaxAttempts": _POLLS})
        except WaiterError as error:
            raise AwsFault(f"{self._name}: is not in service ({error}); see its log group, then try again") from error
