"""A broker by its address: Redis or RabbitMQ, set up so that a message is a doorbell and nothing more."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from reprise.errors import BadSetting, BrokerAway, BrokerError, BrokerRefused, RepriseError

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = "reprocessing"
NAMESPACE = "reprise"
"""What our keys in Redis begin with, so that the server may be shared."""
REDIS_SCHEMES = ("redis", "rediss")
AMQP_SCHEMES = ("amqp", "amqps")
DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}
HEARTBEAT_MS = 60_000
"""A worker that Redis has not heard of for so long is dead: what it was told goes to another one."""
REFUSING_CODES = (403, 530)
"""What RabbitMQ says of a user, or of a virtual host, that it does not let in."""
ALWAYS = 1_000_000
"""Look after the messages of dead workers with every command. Dramatiq's own one in a thousand takes many minutes."""


def broker_for(url: str, timeout: float) -> Any:
    """A ``dramatiq.Broker`` with the middleware that we use and no other; nothing is connected yet.

    ``timeout``: seconds in which the server must answer. Raises ``BadSetting`` for an address that names no broker.
    """
    parts = parsed(url)
    with telling(url):
        if parts.scheme in REDIS_SCHEMES:
            return _redis(url, timeout)
        return _rabbitmq(url, timeout)


def middleware() -> list[Any]:
    """All of it, by name: what a release of Dramatiq adds by default is not taken over unseen."""
    from dramatiq.middleware import Retries, ShutdownNotifications, TimeLimit

    return [TimeLimit(), ShutdownNotifications(), Retries()]


def parsed(url: str) -> SplitResult:
    """Raises ``BadSetting``, without the password."""
    cure = "write it as redis://:PASSWORD@HOST:6379/0 or amqp://USER:PASSWORD@HOST:5672/VHOST"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise BadSetting("broker_url is no address", cure=cure) from None  # it quotes a part of the address
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0:
        raise BadSetting(f"broker_url names no broker: {parts.scheme or 'no scheme'}://…", cure=cure)
    return parts


def place(url: str) -> str:
    """The address for people: without user and password."""
    parts = parsed(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


@contextmanager
def telling(url: str) -> Iterator[None]:
    """What the broker's libraries raise becomes ours: ``BrokerAway`` or ``BrokerRefused``."""
    try:
        yield
    except ImportError as error:
        raise BrokerError(
            f"the broker {place(url)} needs a package that is not installed: {error.name}",
            cure="install it with: pip install 'reprise[workers]'",
        ) from error
    except RepriseError:
        raise
    except Exception as error:
        cause = _cause(error)
        if cause is None:
            raise
        raise _ours(url, cause) from error


def _cause(error: Exception) -> Exception | None:
    """What the client library said; Dramatiq wraps it. ``None`` for what is no broker's error."""
    import dramatiq.errors

    if isinstance(error, dramatiq.errors.BrokerConnectionError):
        said = error.message
        return said if isinstance(said, Exception) else error
    return error if isinstance(error, (*_redis_errors(), *_amqp_errors(), OSError)) else None


def _ours(url: str, error: Exception) -> BrokerError:
    reason = str(error).partition("\n")[0] or type(error).__name__
    refused = getattr(error, "reply_code", None) in REFUSING_CODES
    if refused or isinstance(error, _refusals()):
        return BrokerRefused(f"the broker {place(url)} does not let us in: {reason}")
    return BrokerAway(f"the broker {place(url)} does not answer: {reason}")


def _refusals() -> tuple[type[Exception], ...]:
    """Wrong password, no rights, no such virtual host."""
    from pika import exceptions as amqp
    from redis import exceptions as redis

    return (
        redis.AuthenticationError,
        redis.AuthenticationWrongNumberOfArgsError,
        redis.AuthorizationError,
        redis.NoPermissionError,
        redis.ReadOnlyError,
        amqp.AuthenticationError,
        amqp.ProbableAuthenticationError,
        amqp.ProbableAccessDeniedError,
    )


def _redis_errors() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return (RedisError,)


def _amqp_errors() -> tuple[type[Exception], ...]:
    from pika.exceptions import AMQPError

    return (AMQPError,)


def _redis(url: str, timeout: float) -> Any:
    import redis
    from dramatiq.brokers.redis import RedisBroker
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        client = redis.Redis.from_url(
            url.strip(),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),  # who asks again, and when, is decided by whoever asks
        )
    except ValueError as error:
        raise BadSetting(
            "broker_url is no address that Redis' client understands", cure="see docs/workers.md"
        ) from error
    untyped: Any = RedisBroker
    return untyped(
        client=client,
        middleware=middleware(),
        namespace=NAMESPACE,
        maintenance_chance=ALWAYS,
        heartbeat_timeout=HEARTBEAT_MS,
    )


def _rabbitmq(url: str, timeout: float) -> Any:
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    try:
        broker: Any = RabbitmqBroker(url=url.strip(), middleware=middleware(), confirm_delivery=True)
    except (ValueError, TypeError) as error:
        raise BadSetting(
            "broker_url is no address that RabbitMQ's client understands", cure="see docs/workers.md"
        ) from error
    several = broker.parameters if isinstance(broker.parameters, list) else [broker.parameters]
    for one in several:
        one.socket_timeout = timeout
        one.blocked_connection_timeout = timeout  # a server that is out of disk or memory answers nothing
    return broker


def close(broker: Any) -> None:
    """Let go of all connections that this thread opened."""
    if (client := getattr(broker, "client", None)) is not None:
        client.close()
    broker.close()
