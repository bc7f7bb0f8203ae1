"""Makes a Lambda function cold by UpdateFunctionConfiguration: once it is done, no environment of before takes events.

A variable that nothing reads is what changes. It goes again in the end; one that a killed run left does, too.
"""

import time
from typing import Any

from botocore.exceptions import WaiterError

from experiments.latency.errors import AwsFault
from experiments.latency.progress import Say

VARIABLE = "FOVEA_MADE_COLD"
_POLL_S, _POLLS = 1, 300


class ColdFunction:
    """The function `name`, by boto3's client of Lambda. Every method raises botocore's errors as they are."""

    def __init__(self, client: Any, name: str, say: Say) -> None:
        self._client, self._name, self._say = client, name, say
        self._is_changed = VARIABLE in self._variables()

    def make_cold(self) -> None:
        """Blocks until the next event is one of a new environment. Raises AwsFault."""
        self._is_changed = True
        self._update(self._variables() | {VARIABLE: f"{time.time_ns()}"})

    def close(self) -> None:
        """Without the variable again. Tells what is left when it is interrupted."""
        if not self._is_changed:
            return
        try:
            variables = self._variables()
            variables.pop(VARIABLE, None)
            self._update(variables)
        except BaseException:
            self._say(
                f"{self._name}: still has the variable {VARIABLE}, which changes nothing; remove it in its settings"
            )
            raise
        self._is_changed = False

    def _variables(self) -> dict[str, str]:
        environment = self._client.get_function_configuration(FunctionName=self._name).get("Environment", {})
        if "Error" in environment:
            raise AwsFault(f"{self._name}: its variables cannot be read, so they stay; give --cold-by idle")
        variables: dict[str, str] = environment.get("Variables", {})
        return dict(variables)

    def _update(self, variables: dict[str, str]) -> None:
        self._wait()
        self._client.update_function_configuration(FunctionName=self._name, Environment={"Variables": variables})
        self._wait()

    def _wait(self) -> None:
        waiter = self._client.get_waiter("function_updated")
        try:
            waiter.wait(FunctionName=self._name, WaiterConfig={"Delay": _POLL_S, "MaxAttempts": _POLLS})
        except WaiterError as error:
            raise AwsFault(
                f"{self._name}: its last update failed ({error}); see the function, then try again"
            ) from error
