"""Predictions by name: which service is asked, with one retry and a time that is left for it."""

import logging
import random
import time
from collections.abc import Callable
from functools import cached_property

from contract.errors import ModelAtZero, ModelNotReady, Throttled
from contract.limits import TIMEOUTS
from lambda_handlers.proxy.functions import Functions
from lambda_handlers.proxy.invocation import Invocation, Prediction
from lambda_handlers.proxy.registry import Target
from lambda_handlers.proxy.sagemaker import SageMaker

log = logging.getLogger("proxy.runtime")  # below "proxy", whose level the settings give

RETRY_WAIT_S = 0.3
RETRY_NEEDS_S = TIMEOUTS.sdk_read_s + 2 * RETRY_WAIT_S + 0.2  # a whole second call must still fit


class Runtime:
    """The services that run models, as one verb."""

    def __init__(self) -> None:
        self.sagemaker = SageMaker()

    @cached_property
    def functions(self) -> Functions:
        """Made for the first that is asked: nobody else's cold start reads the model of Lambda's API."""
        return Functions()

    def invoke(self, target: Target, asked: Invocation, remaining_s: Callable[[], float]) -> Prediction:
        """The prediction asked for. Raises ApiError; tries a second time at most, while `remaining_s()` allows it."""
        service = self.functions if target.service == "lambda" else self.sagemaker
        try:
            return service.invoke(target, asked)
        except (Throttled, ModelNotReady) as error:
            if isinstance(error, ModelAtZero) or remaining_s() < RETRY_NEEDS_S:
                raise
            log.info("retrying", extra={"reason": error.code()})
            time.sleep(RETRY_WAIT_S * (1 + random.random()))  # noqa: S311 - jitter
            return service.invoke(target, asked)
