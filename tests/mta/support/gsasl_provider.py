"""A submission server with channel binding, for tests/mta: GNU SASL's SCRAM behind OpenSSL's TLS 1.3.

    gsasl_provider.py ADDRESS PORT CERTIFICATE KEY LOGIN PASSWORD_FILE REFUSED DIRECTORY MECHANISMS LABEL

Implicit TLS, then AUTH by MECHANISMS; DATA alone. Each message is kept in DIRECTORY in the form of batch SMTP, but not
dot-stuffed; standard output says by which mechanism somebody logged in.

The TLS session exports what is bound to by LABEL. With another one than RFC 9266's the server sees what it would see if
somebody in between had a TLS session of his own with the client.
"""

import base64
import ctypes
import pathlib
import socket
import sys
import threading

from OpenSSL import SSL

address, port, certificate, key, login, password_file, refused, directory, mechanisms, label = sys.argv[1:]
password = pathlib.Path(password_file).read_text()

# gsasl.h
OK, NEEDS_MORE, NO_CALLBACK = 0, 1, 51
AUTHID, PASSWORD, CB_TLS_EXPORTER = 1, 3, 25
gsasl = ctypes.CDLL("libgsasl.so.18")
gsasl.gsasl_property_fast.restype = ctypes.c_char_p
Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)


class Mechanism:
    """One exchange, bound to the TLS session that exports `material`."""

    def __init__(self, name, material):
        self.material = base64.b64encode(material)
        self.context, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        gsasl.gsasl_init(ctypes.byref(self.context))
        self.callback = Callback(self.answer)
        gsasl.gsasl_callback_set(self.context, self.callback)
        if gsasl.gsasl_server_start(self.context, name.encode(), ctypes.byref(self.session)) != OK:
            raise ValueError(name)

    def answer(self, _context, session, wanted):
        session = ctypes.c_void_p(session)
        if wanted == CB_TLS_EXPORTER:
            gsasl.gsasl_property_set(session, wanted, self.material)
        elif wanted == PASSWORD and gsasl.gsasl_property_fast(session, AUTHID) == login.encode():
            gsasl.gsasl_property_set(session, wanted, password.encode())
        else:
            return NO_CALLBACK
        return OK

    def step(self, line):
        """What is said to a line, and whether the exchange goes on; both in base64."""
        said = ctypes.c_char_p()
        result = gsasl.gsasl_step64(self.session, line, ctypes.byref(said))
        return result, said.value or b""

    def end(self):
        gsasl.gsasl_finish(self.session)
        gsasl.gsasl_done(self.context)


class Session:
    def __init__(self, stream):
        self.stream, self.buffer, self.is_known = stream, b"", False

    def line(self):
        while b"\r\n" not in self.buffer:
            self.buffer += self.stream.recv(65536)
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def say(self, *lines):
        self.stream.sendall(b"".join(line.encode() + b"\r\n" for line in lines))

    def serve(self):
        self.say("220 gsasl.example ESMTP")
        sender, recipients = "", []
        while True:
            line = self.line().decode()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                self.say("250-gsasl.example", "250-8BITMIME", f"250 AUTH {mechanisms}")
            elif verb == "AUTH":
                self.authenticate(*line.split(" ")[1:])
            elif verb == "QUIT":
                return self.say("221 2.0.0 bye")
            elif not self.is_known:
                self.say("530 5.7.0 log in first")
            elif verb == "MAIL":
                sender, recipients = line.split("<")[1].split(">")[0], []
                self.say("250 2.1.0 sender ok")
            elif verb == "RCPT":
                recipients.append(line.split("<")[1].split(">")[0])
                self.say("550 5.1.1 no such mailbox" if refused in recipients else "250 2.1.5 recipient ok")
            elif verb == "DATA":
                self.say("354 go ahead")
                keep(sender, recipients, self.message())
                self.say("250 2.0.0 kept")
            else:
                self.say("500 5.5.1 what?")

    def authenticate(self, name, line=None):
        material = self.stream.export_keying_material(label.encode(), 32, b"")
        mechanism = Mechanism(name, material)
        if line is None:
            self.say("334 ")
            line = self.line().decode()
        result, said = mechanism.step(line.encode())
        # The server's last word comes as a challenge, which wants an empty answer (RFC 4954 section 4).
        while result == NEEDS_MORE or said:
            self.say("334 " + said.decode())
            line = self.line()
            if result == OK:
                break
            result, said = mechanism.step(line)
        mechanism.end()
        self.is_known = result == OK
        print(f"{'login' if self.is_known else 'refused'} by {name}", flush=True)
        self.say("235 2.7.0 welcome" if self.is_known else "535 5.7.8 who are you?")

    def message(self):
        lines = iter(self.line, b".")
        return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)


def keep(sender, recipients, message):
    lines = [f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{to}>" for to in recipients), "DATA", ""]
    path = pathlib.Path(directory)
    with lock:
        # Nobody may see half of it.
        (path / ".new").write_bytes("\n".join(lines).encode() + message)
        (path / ".new").rename(path / f"{len(list(path.iterdir())):06}")


def session(connection):
    stream = SSL.Connection(context, connection)
    stream.set_accept_state()
    try:
        stream.do_handshake()
        Session(stream).serve()
        stream.shutdown()
    except SSL.Error:
        # The client has left without waiting for the answer to QUIT.
        pass
    connection.close()


lock = threading.Lock()
context = SSL.Context(SSL.TLS_SERVER_METHOD)
context.set_min_proto_version(SSL.TLS1_3_VERSION)
context.use_certificate_file(certificate)
context.use_privatekey_file(key)
listener = socket.create_server((address, int(port)))
print("ready", flush=True)
while True:
    threading.Thread(target=session, args=[listener.accept()[0]], daemon=True).start()
