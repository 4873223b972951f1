"""Everything classifier_models raises; how a call ended is never raised, it is a reply.

ClassifierModelsError
├── EndpointConfigurationError   an environment variable about endpoints cannot be used
├── UnknownEndpointError         a classifier names an endpoint that is not configured
└── LocalModelUnavailableError   scikit-learn is not installed
"""

from collections.abc import Iterable


class ClassifierModelsError(Exception):
    """The root of this package's errors."""


class EndpointConfigurationError(ClassifierModelsError):
    """An environment variable about endpoints cannot be used; the message names it and says what to set."""


class UnknownEndpointError(ClassifierModelsError):
    """A classifier names an endpoint that is not configured."""

    def __init__(self, name: str, configured: Iterable[str]) -> None:
        variable = f"AFTERTAG_ENDPOINT_{name.upper().replace('-', '_')}_URL"
        super().__init__(f"No endpoint {name!r}: use one of {', '.join(configured)}, or set {variable}.")
        self.name = name


class LocalModelUnavailableError(ClassifierModelsError):
    """scikit-learn is not installed."""

    def __init__(self) -> None:
        super().__init__("The local model needs scikit-learn: pip install 'aftertag[local]'.")
