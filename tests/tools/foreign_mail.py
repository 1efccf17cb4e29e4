#!/usr/bin/env python3
"""A foreign mail server: prints its address, and then a line for each letter: envelope, subject and text as Python's parser reads them."""

import asyncio
import email
import email.policy

from aiosmtpd.smtp import SMTP


class Letters:
    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = " ".join(letter.get_content().split())
        print(envelope.mail_from, *envelope.rcpt_tos, letter["Subject"], text, flush=True)
        return "250 taken"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Letters(), hostname="mail.example", loop=loop), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    print(f"{host}:{port}", flush=True)
    await server.serve_forever()


asyncio.run(main())
