"""What the routes share: the settings, the workers, and the model once it has loaded."""

from concurrent.futures import Future
from dataclasses import dataclass

from contract.errors import ModelNotReady
from model_server.predictor import Predictor
from model_server.settings import Settings
from model_server.workers import Workers


@dataclass(frozen=True, slots=True)
class Service:
    """One process's state."""

    settings: Settings
    workers: Workers
    loading: "Future[Predictor]"

    def model(self) -> Predictor:
        """The loaded and warmed-up model. Raises ModelNotReady before that, or when loading failed."""
        if not self.loading.done() or self.loading.exception() is not None:
            raise ModelNotReady
        return self.loading.result()
