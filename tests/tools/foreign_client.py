#!/usr/bin/env python3
"""A partner who has nothing of ours but an address: finds the services by reflection and opens a ticket.

    foreign_client.py ADDRESS [--ca FILE --cert FILE --key FILE [--server-name NAME]] [--only-discovery]

Message classes are built from the descriptors that the server sends, so that a mistake in reflection shows here, where
generated code would hide it. Ends with 1 at the first thing that is not as promised.
"""

import argparse
import pathlib
import sys
import unicodedata
import uuid

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

# Every call has a deadline: servers demand it, and a test must not hang.
SECONDS = 10
TICKETS = "gridcare.ticket.v1.TicketService"


class Mismatch(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Mismatch(what)


def dial(args):
    if not args.ca:
        return grpc.insecure_channel(args.address)
    read = lambda name: pathlib.Path(name).read_bytes() if name else None
    credentials = grpc.ssl_channel_credentials(read(args.ca), read(args.key), read(args.cert))
    options = [("grpc.ssl_target_name_override", args.server_name)] if args.server_name else []
    return grpc.secure_channel(args.address, credentials, options)


def services_by(channel, version):
    """Both versions have the same messages on the wire; Python's library knows v1alpha alone, many tools v1 alone."""
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = next(call(iter([question]), timeout=SECONDS))
    return sorted(service.name for service in answer.list_services_response.service)


class Service:
    """Calls methods of one service by name, with requests given as plain dictionaries."""

    def __init__(self, channel, name):
        self.channel = channel
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        self.descriptor = pool.FindServiceByName(name)

    def request(self, method, fields):
        message = message_factory.GetMessageClass(self.descriptor.FindMethodByName(method).input_type)()
        return json_format.ParseDict(fields, message)

    def call(self, method, fields):
        described = self.descriptor.FindMethodByName(method)
        stub = self.channel.unary_unary(
            f"/{self.descriptor.full_name}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(described.output_type).FromString,
        )
        return stub(self.request(method, fields), timeout=SECONDS)

    def refusal(self, method, fields):
        try:
            answer = self.call(method, fields)
        except grpc.RpcError as error:
            return error
        raise Mismatch(f"{method} accepted {fields!r} and answered {answer}")


def details(error):
    """The google.rpc details of a refusal, unpacked."""
    raw = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    expect(raw, f"{error.code().name} came without grpc-status-details-bin: {error.details()}")
    status = status_pb2.Status.FromString(raw)
    expect(status.code == error.code().value[0], "grpc-status-details-bin disagrees with grpc-status")
    found = {}
    for packed in status.details:
        for kind in (error_details_pb2.BadRequest, error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo):
            if packed.Is(kind.DESCRIPTOR):
                found[kind.DESCRIPTOR.name] = kind.FromString(packed.value)
    return found


def discover(channel):
    grpc.channel_ready_future(channel).result(timeout=SECONDS)
    alpha, stable = services_by(channel, "v1alpha"), services_by(channel, "v1")
    expect(TICKETS in alpha, f"reflection does not list {TICKETS}: {alpha}")
    # Each may leave out itself or its sister; of ours they must name the same.
    ours = lambda names: [name for name in names if name.startswith("gridcare.")]
    expect(ours(alpha) == ours(stable), f"reflection v1 lists {stable}, v1alpha {alpha}")
    print("services by reflection:", *alpha, sep="\n  ")

    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", TICKETS):
        status = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS).status
        expect(status == health_pb2.HealthCheckResponse.SERVING, f"health of {service or 'the server'} is {status}")
    print("health: SERVING")


def open_a_ticket(channel, args):
    tickets = Service(channel, TICKETS)
    # Decomposed, as a Mac's keyboard gives it; it is stored composed.
    subject = "Mất điện cả khu phố"
    fields = {
        "requestId": str(uuid.uuid4()),
        "topic": args.topic,
        "channel": "hotline",
        "priority": "TICKET_PRIORITY_NORMAL",
        "subject": unicodedata.normalize("NFD", subject),
        "author": "foreign-client",
    }
    opened = tickets.call("OpenTicket", fields)
    ticket = opened.ticket
    expect(ticket.reference and ticket.id and ticket.etag, f"the ticket lacks its reference, id or etag: {ticket}")
    expect(ticket.subject == subject, f"the subject came back as {ticket.subject!r}")
    print("opened:", ticket.reference)

    for name in (ticket.reference, ticket.id):
        got = tickets.call("GetTicket", {"name": name}).ticket
        expect((got.id, got.reference, got.etag) == (ticket.id, ticket.reference, ticket.etag), f"GetTicket {name}: {got}")
        expect(len(got.timeline) >= 1, "GetTicket gave no timeline")
    print("read again by reference and by id")

    again = tickets.call("OpenTicket", fields)
    expect(again == opened, f"the same request_id was answered differently:\n{opened}\n{again}")
    print("the same request_id: the same answer")

    other = tickets.refusal("OpenTicket", fields | {"subject": "Another"})
    expect(other.code() not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN), f"a fault, no refusal: {other.details()}")
    info = details(other).get("ErrorInfo")
    expect(info is not None and info.reason, "the refusal has no stable reason")
    print(f"the same request_id, another body: {other.code().name}, {info.reason}")

    empty = tickets.refusal("OpenTicket", {})
    expect(empty.code() is grpc.StatusCode.INVALID_ARGUMENT, f"an empty request: {empty.code().name}")
    bad = details(empty).get("BadRequest")
    expect(bad is not None, "an empty request was refused without BadRequest")
    violations = {violation.field: violation.description for violation in bad.field_violations}
    print("an empty request:", *(f"{field}: {why}" for field, why in violations.items()), sep="\n  ")
    expect("request_id" in violations and len(violations) > 1, f"not every violation was named: {violations}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", help="host:port")
    parser.add_argument("--ca")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--server-name", help="the name in the server's certificate, where the address is another")
    parser.add_argument("--topic", default="outage")
    parser.add_argument("--only-discovery", action="store_true", help="reflection and health, and no ticket")
    args = parser.parse_args()
    # People paste what a log printed.
    args.address = args.address.removeprefix("http://").removeprefix("https://").rstrip("/")
    try:
        with dial(args) as channel:
            discover(channel)
            if not args.only_discovery:
                open_a_ticket(channel, args)
    except Mismatch as mismatch:
        sys.exit(f"MISMATCH: {mismatch}")
    except grpc.FutureTimeoutError:
        sys.exit(f"MISMATCH: nobody answers at {args.address}")
    except grpc.RpcError as error:
        sys.exit(f"MISMATCH: {error.code().name}: {error.details()}")


if __name__ == "__main__":
    main()
