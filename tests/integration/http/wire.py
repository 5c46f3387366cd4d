"""The test server, and replies as raw sockets see them."""

import socket
import subprocess

SERVER = "tests/integration/http/test_server"


class Server:
    """The test server with some settings; ends when its stdin does."""

    def __init__(self, *settings):
        self.process = subprocess.Popen([SERVER, *settings], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.first_line = self.process.stdout.readline().strip()

    @property
    def port(self):
        return int(self.first_line)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(20)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def read_reply(file, head=False):
    """One reply from a socket file; None when the connection has ended."""
    line = file.readline()
    if not line:
        return None
    status = int(line.split()[1])
    headers = {}
    while (line := file.readline().rstrip(b"\r\n")):
        name, _, value = line.partition(b":")
        headers[name.decode().lower()] = value.strip().decode()
    body = b""
    if head or status in (100, 204, 304):
        pass
    elif headers.get("transfer-encoding") == "chunked":
        while True:
            size = file.readline()
            if not size:
                body += b"[cut]"
                break
            if int(size, 16) == 0:
                file.readline()
                break
            body += file.read(int(size, 16))
            file.read(2)
    elif "content-length" in headers:
        body = file.read(int(headers["content-length"]))
    else:
        body = file.read()
    return Reply(status, headers, body)
