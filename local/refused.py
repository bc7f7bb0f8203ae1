"""What the gateway answers by itself."""


class Refused(Exception):
    """The gateway itself answers, with one of API Gateway's response types."""

    def __init__(self, response_type: str) -> None:
        super().__init__(response_type)
        self.response_type = response_type
