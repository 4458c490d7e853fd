"""A submission server made of Python's aiosmtpd, for tests/mta.

    aiosmtpd_provider.py ADDRESS PORT CERTIFICATE KEY LOGIN PASSWORD_FILE REFUSED LIMIT DIRECTORY

STARTTLS, then AUTH PLAIN or LOGIN; DATA alone, for it has neither PIPELINING nor CHUNKING. Each message is kept in
DIRECTORY in the form of batch SMTP, but not dot-stuffed; standard output says when one has come.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

address, port, certificate, key, login, password_file, refused, directory, limit = sys.argv[1:]
password = pathlib.Path(password_file).read_text()


class Keeper:
    def __init__(self):
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, recipient, options):
        if recipient == refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        lines = [f"MAIL FROM:<{envelope.mail_from}>", *(f"RCPT TO:<{to}>" for to in envelope.rcpt_tos), "DATA", ""]
        content = "\n".join(lines).encode() + envelope.original_content
        # Nobody may see half of it.
        path = pathlib.Path(directory)
        (path / ".new").write_bytes(content)
        (path / ".new").rename(path / f"{self.count:06}")
        print(f"kept {self.count}", flush=True)
        return "250 2.0.0 kept"

    async def handle_EXCEPTION(self, error):
        print(f"error: {error!r}", flush=True)
        return "451 4.3.0 error"


def authenticate(server, session, envelope, mechanism, data):
    print(f"login by {mechanism}", flush=True)
    is_right = (data.login, data.password) == (login.encode(), password.encode())
    return AuthResult(success=is_right, handled=False)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    keeper = Keeper()

    def session():
        return SMTP(
            keeper,
            data_size_limit=int(limit),
            enable_SMTPUTF8=True,
            hostname="aiosmtpd.example",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=authenticate,
        )

    server = await asyncio.get_running_loop().create_server(session, address, int(port))
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
