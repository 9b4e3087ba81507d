"""What can go wrong: a no to a person, two contents under one id, a fault of a rail."""


class Refused(Exception):
    """A polite no to a person; nothing was changed.

    The words a person reads are `t(locale, "errors." + code, **details)`.
    """

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details


class NotFound(Refused):
    """The thing does not exist, or not for this shop or this person (said as one and the same)."""

    def __init__(self, what: str = "page") -> None:
        super().__init__("not_found", what=what)


class NoLongerSold(NotFound):
    """A product that its shop showed and does not sell any more: nothing more is told of it."""


class Conflict(Exception):
    """The same id came a second time with another content."""


class GatewayError(Exception):
    """The outside did not answer as it should.

    `retryable` says that the same request, with the same id, may be sent again.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable
