"""Webhooks from a job's end to a receiver: real HTTP and HTTPS servers in this process, a real outbox."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.routes.webhooks import _shown
from jobs import lifecycle, webhooks
from jobs.sealing import NoKey, Seal, Unreadable
from jobs.settings import Settings
from jobs.tables import NOW, Job, WebhookDelivery, WebhookEndpoint
from jobs.targets import Targets, is_public
from worker import outbound
from worker.outbound import Failed, Forbidden
from worker.webhooks import Deliverer

Database = sessionmaker[Session]


class Receiver:
    """An HTTP server that answers with the statuses that it was given, then with 204."""

    def __init__(self, *statuses: int, tls: ssl.SSLContext | None = None) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        answers, receiver = list(statuses), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(answers.pop(0) if answers else 204)
                self.send_header("Location", receiver.url + "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    opened: list[Receiver] = []

    def open_one(*statuses: int, tls: ssl.SSLContext | None = None) -> Receiver:
        opened.append(Receiver(*statuses, tls=tls))
        return opened[-1]

    yield open_one
    for receiver in opened:
        receiver.close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {"secret_keys": (SecretStr(Fernet.generate_key().decode()),), "webhook_allow": ("127.0.0.1",)}
    return settings.model_copy(update=changes)


class Outbox:
    """What owners do, and what lies in the tables."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.seal = database, Seal(settings.secret_keys)
        self.deliverer = Deliverer(database, settings)

    def endpoint(self, url: str, *events: str, owner: str = "ada") -> tuple[UUID, str]:
        with self.database.begin() as session:
            wanted = events or [*webhooks.WebhookEvent]
            endpoint, secret = webhooks.create(session, self.seal, owner, url, wanted)
            return endpoint.id, _shown(secret)

    def due_now(self) -> None:
        with self.database.begin() as session:
            pending = WebhookDelivery.next_attempt_at.is_not(None)
            session.execute(update(WebhookDelivery).where(pending).values(next_attempt_at=NOW))

    @property
    def deliveries(self) -> Sequence[WebhookDelivery]:
        with self.database.begin() as session:
            return session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()

    def standing(self, endpoint_id: UUID) -> WebhookEndpoint:
        with self.database.begin() as session:
            return session.get_one(WebhookEndpoint, endpoint_id)


@pytest.fixture
def outbox(database: Database, settings: Settings) -> Outbox:
    return Outbox(database, settings)


@pytest.fixture
def end(database: Database, submit: Callable[[], UUID]) -> Callable[[], UUID]:
    """Cancels a job, which is the quickest end."""

    def cancelled() -> UUID:
        job_id = submit()
        with database.begin() as session:
            assert lifecycle.cancel(session, "ada", job_id)
        return job_id

    return cancelled


def test_a_jobs_end_arrives_signed(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    _, secret = outbox.endpoint(receiver.url + "/hook?x=1")
    job_id = end()
    assert outbox.deliverer.round() == 1
    ((headers, body),) = receiver.got
    message = Webhook(secret).verify(body, headers)  # the reference implementation of Standard Webhooks
    assert message["type"] == "job.cancelled"
    assert message["data"]["id"] == str(job_id)
    assert message["data"]["state"] == "cancelled"
    for changed, wrong in ((body + b" ", headers), (body, headers | {"webhook-id": "msg_1"})):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, wrong)
    (delivery,) = outbox.deliveries
    assert (delivery.attempts, delivery.last_status, delivery.next_attempt_at) == (1, 204, None)
    assert headers["webhook-id"] == f"msg_{delivery.id.hex}"
    assert outbox.deliverer.round() == 0


def test_only_the_owners_endpoints_that_want_it_are_told(outbox: Outbox, end: Callable[[], UUID]) -> None:
    wanted, _ = outbox.endpoint("https://a.example", "job.cancelled", "job.failed")
    outbox.endpoint("https://b.example", "job.succeeded")
    outbox.endpoint("https://c.example", owner="eve")
    off, _ = outbox.endpoint("https://d.example")
    with outbox.database.begin() as session:
        webhooks.enable(session, session.get_one(WebhookEndpoint, off), enabled=False)
    end()
    assert [delivery.endpoint_id for delivery in outbox.deliveries] == [wanted]


def test_a_missed_gate_is_told_besides_the_success(
    outbox: Outbox, database: Database, submit: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://a.example")
    job_id = submit()
    with database.begin() as session:
        spec = Job.spec.op("||")({"gate": {"max_perplexity": 11.0}})
        session.execute(update(Job).where(Job.id == job_id).values(spec=spec))
        claim = lifecycle.claim(session, job_id, "w", 30)
        assert claim is not None
        report = {"perplexity": {"dense": 10.0, "pruned": 12.5}}
        assert lifecycle.succeed(session, claim, report, [])
    told = {delivery.event: delivery.payload["data"] for delivery in outbox.deliveries}
    assert told.keys() == {"job.succeeded", "job.gate_failed"}
    assert told["job.gate_failed"]["gate"]["state"] == "failed"
    assert told["job.succeeded"]["perplexity"] == {"dense": 10.0, "pruned": 12.5}


def test_an_end_that_is_not_committed_tells_nobody(
    outbox: Outbox, database: Database, submit: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://a.example")
    job_id = submit()
    with database() as session:
        assert lifecycle.cancel(session, "ada", job_id)
        session.rollback()
    assert not outbox.deliveries


def test_an_endpoint_that_is_just_being_deleted_does_not_stop_a_job_from_ending(
    outbox: Outbox, database: Database, end: Callable[[], UUID]
) -> None:
    endpoint_id, _ = outbox.endpoint("https://a.example")
    with ThreadPoolExecutor(1) as pool, database() as session:
        session.delete(session.get_one(WebhookEndpoint, endpoint_id))
        session.flush()
        ending = pool.submit(end)
        waiting = select(func.count()).select_from(text("pg_locks")).where(text("NOT granted"))
        while not session.scalar(waiting):
            assert not ending.done()
        session.commit()
        ending.result()
    assert not outbox.deliveries


def test_a_receiver_that_fails_twice_is_tried_again_later_and_later(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive(500, 302)
    endpoint_id, _ = outbox.endpoint(receiver.url)
    end()
    pauses = []
    for _ in range(2):
        assert outbox.deliverer.round() == 1
        (delivery,) = outbox.deliveries
        assert delivery.next_attempt_at is not None
        assert delivery.last_attempt_at is not None
        pauses.append((delivery.next_attempt_at - delivery.last_attempt_at).total_seconds())
        assert outbox.deliverer.round() == 0
        assert outbox.standing(endpoint_id).failing_since is not None
        outbox.due_now()
    for pause, planned in zip(pauses, webhooks.BACKOFF, strict=False):
        assert 0.8 * planned <= pause <= 1.2 * planned + 20
    assert outbox.deliverer.round() == 1
    (delivery,) = outbox.deliveries
    assert (delivery.attempts, delivery.last_status) == (3, 204)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 3  # the redirect was not followed
    assert outbox.standing(endpoint_id).failing_since is None


def test_after_days_of_failures_a_message_is_given_up_and_can_be_replayed(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    assert 3 < sum(webhooks.BACKOFF) / 86_400 < 5
    receiver = receive(500)
    endpoint_id, _ = outbox.endpoint(receiver.url)
    end()
    with outbox.database.begin() as session:
        session.execute(update(WebhookDelivery).values(attempts=len(webhooks.BACKOFF)))
    outbox.deliverer.round()
    (delivery,) = outbox.deliveries
    assert delivery.next_attempt_at is None
    with outbox.database.begin() as session:
        endpoint = webhooks.get(session, "ada", endpoint_id)
        assert endpoint is not None
        assert webhooks.replay(session, endpoint, delivery.id) is not None
    assert outbox.deliverer.round() == 1
    assert outbox.deliveries[0].delivered_at is not None


def test_a_dead_endpoint_is_disabled_and_asked_no_more(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver, gone = receive(500, 500), receive(410)
    dead_id, _ = outbox.endpoint(receiver.url)
    gone_id, _ = outbox.endpoint(gone.url)
    end()
    outbox.deliverer.round()
    assert outbox.standing(dead_id).disabled_at is None
    assert outbox.standing(gone_id).disabled_reason == "it has answered 410 Gone"
    with outbox.database.begin() as session:
        session.execute(update(WebhookEndpoint).values(failing_since=NOW - timedelta(days=6)))
    outbox.due_now()
    outbox.deliverer.round()
    assert outbox.standing(dead_id).disabled_reason == "nothing but failures for 5 days"
    outbox.due_now()
    assert outbox.deliverer.round() == 0
    with outbox.database.begin() as session:
        webhooks.enable(session, session.get_one(WebhookEndpoint, dead_id), enabled=True)
    assert outbox.deliverer.round() == 1
    assert outbox.deliveries[0].delivered_at is not None


def test_for_a_day_both_secrets_sign(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    endpoint_id, old = outbox.endpoint(receiver.url)

    def rotate() -> str:
        with outbox.database.begin() as session:
            endpoint = session.get_one(WebhookEndpoint, endpoint_id)
            return _shown(webhooks.rotate_secret(session, outbox.seal, endpoint))

    new = rotate()
    end()
    outbox.deliverer.round()
    headers, body = receiver.got[-1]
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    with outbox.database.begin() as session:
        session.execute(update(WebhookEndpoint).values(previous_secret_until=NOW))
    end()
    outbox.deliverer.round()
    headers, body = receiver.got[-1]
    Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


def test_a_sender_that_dies_leaves_its_message_to_the_next(outbox: Outbox, end: Callable[[], UUID]) -> None:
    outbox.endpoint("https://a.example")
    end()
    with outbox.database.begin() as session:
        (first,) = webhooks.take_due(session, 10, 60)
    with outbox.database.begin() as session:
        assert webhooks.take_due(session, 10, 60) == []
    outbox.due_now()
    with outbox.database.begin() as session:
        (second,) = webhooks.take_due(session, 10, 60)
    assert (first.id, first.attempt, second.attempt) == (second.id, 1, 2)
    with outbox.database.begin() as session:
        webhooks.delivered(session, first, 204)  # too late: the second attempt is under way
    assert outbox.deliveries[0].delivered_at is None


def test_two_senders_never_take_the_same_message(outbox: Outbox, end: Callable[[], UUID]) -> None:
    outbox.endpoint("https://a.example")
    for _ in range(4):
        end()
    with outbox.database.begin() as one, outbox.database.begin() as other:
        taken = [due.id for session in (one, other) for due in webhooks.take_due(session, 2, 60)]
    assert len(set(taken)) == 4


def test_secrets_lie_encrypted_and_keys_can_be_replaced(outbox: Outbox, settings: Settings) -> None:
    endpoint_id, shown = outbox.endpoint("https://a.example")
    sealed = outbox.standing(endpoint_id).secret
    assert shown[6:20].encode() not in sealed
    fresh = SecretStr(Fernet.generate_key().decode())
    assert _shown(Seal([fresh, *settings.secret_keys]).unseal(sealed)) == shown
    with pytest.raises(Unreadable):
        Seal([fresh]).unseal(sealed)
    with pytest.raises(Unreadable):
        Seal([]).unseal(sealed)
    with pytest.raises(NoKey):
        Seal([]).seal(b"secret")


NOT_PUBLIC = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_somebodys_on_the_internet_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://hooks.example.org",
            "ftp://hooks.example.org",
            "https://",
            "hooks.example.org",
            "https:///x",
        ),
        *("https://user@example.org", "https://u:p@example.org", "https://example.org/#x", "https://a b.org"),
        *("https://127.0.0.1", "https://[::1]/", "https://[::ffff:10.0.0.1]", "https://example.org:99999"),
        *("https://example.org\\@127.0.0.1", "https://exa\u0301mple.org", "https://a..org", "https://[x"),
    ],
)
def test_such_urls_are_refused_when_an_endpoint_is_made(url: str) -> None:
    with pytest.raises(ValueError, match="must"):
        Targets.of([]).check_url(url)


def test_the_operator_may_allow_names_and_networks() -> None:
    targets = Targets.of(["ci.internal", "10.0.0.0/8", "fd00::/8"])
    for url in ("http://ci.internal/x", "https://CI.internal.", "http://10.1.1.1:80", "http://[fd00::1]/"):
        targets.check_url(url)
    assert targets.permit("ci.internal", "192.168.0.1")
    assert targets.permit("other.example", "10.1.1.1")
    assert targets.permit("other.example", "::ffff:10.1.1.1")
    assert not targets.permit("other.example", "192.168.0.1")


# However a name or a number is written, what counts is where the system would connect.
@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "2130706433", "0x7f000001", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_no_spelling_of_this_machine_is_reached(receive: Callable[..., Receiver], host: str) -> None:
    receiver = receive()
    url = f"http://{host}:{receiver.server.server_port}/"
    with pytest.raises(Forbidden):
        asyncio.run(outbound.post(url, {"host": "x"}, b"{}", Targets.of([])))
    assert receiver.got == []


async def fake_resolver_with_a_private_address(host: str, port: int) -> Sequence[str]:
    return ["93.184.216.34", "10.0.0.1"]


def test_one_private_address_among_public_ones_forbids_the_host() -> None:
    sent = outbound.post(
        "https://rebound.example/", {}, b"", Targets.of([]), resolve=fake_resolver_with_a_private_address
    )
    with pytest.raises(Forbidden):
        asyncio.run(sent)


def test_an_address_that_became_private_is_an_attempt_that_failed(
    outbox: Outbox, settings: Settings, end: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://rebound.example/")
    end()
    Deliverer(outbox.database, settings, resolve=fake_resolver_with_a_private_address).round()
    (delivery,) = outbox.deliveries
    assert delivery.last_error == "the host is not at a public address"
    assert delivery.next_attempt_at is not None


def certificate(directory: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = directory / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


async def fake_resolver_to_this_machine(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def test_tls_and_host_name_the_host_and_not_the_address(
    receive: Callable[..., Receiver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path, "hooks.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    receiver = receive(tls=context)
    port = receiver.server.server_port
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # not read

    def send(host: str) -> int:
        targets = Targets.of(["127.0.0.1"])
        url = f"https://{host}:{port}/"
        return asyncio.run(outbound.post(url, {}, b"{}", targets, resolve=fake_resolver_to_this_machine))

    with pytest.raises(Failed, match="TLS"):
        send("hooks.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    assert send("hooks.example") == 204
    assert receiver.got[0][0]["host"] == f"hooks.example:{port}"
    with pytest.raises(Failed, match="TLS"):
        send("other.example")


def test_an_answer_without_an_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "_SECONDS", 0.3)

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"X-More: and more\r\n")
            await asyncio.sleep(0.05)

    async def talk() -> None:
        server = await asyncio.start_server(dripping, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await outbound.post(f"http://127.0.0.1:{port}/", {}, b"", Targets.of(["127.0.0.1"]))

    with pytest.raises(Failed, match="no answer within"):
        asyncio.run(talk())


def test_an_endless_answer_is_read_only_a_little() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                sent += 65_536
                await writer.drain()
        except ConnectionError:
            pass

    async def talk() -> int:
        server = await asyncio.start_server(endless, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        return await outbound.post(f"http://127.0.0.1:{port}/", {}, b"", Targets.of(["127.0.0.1"]))

    assert asyncio.run(talk()) == 200
    assert sent < 64 * 2**20


def test_messages_that_are_over_are_forgotten(outbox: Outbox, end: Callable[[], UUID]) -> None:
    outbox.endpoint("https://a.example")
    end()
    end()
    first, second = outbox.deliveries
    with outbox.database.begin() as session:
        session.execute(update(WebhookDelivery).values(created_at=NOW - timedelta(days=31)))
        session.execute(
            update(WebhookDelivery).where(WebhookDelivery.id == first.id).values(next_attempt_at=None)
        )
        webhooks.forget(session, timedelta(days=30))
    assert [delivery.id for delivery in outbox.deliveries] == [second.id]
    assert json.dumps(second.payload)
