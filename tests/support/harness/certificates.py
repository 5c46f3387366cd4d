"""A certificate authority of one's own, by the openssl command."""

import os
import ssl
import subprocess
import time

from .waiting import HarnessError

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]


def _private(path, flags):
    return os.open(path, flags, 0o600)


class Certificate:
    """A certificate and its key, each in a file."""

    def __init__(self, folder, name):
        self.name = name
        self.cert = os.path.join(folder, f"{name}.pem")
        self.key = os.path.join(folder, f"{name}.key")

    def exists(self):
        return os.path.exists(self.cert) and os.path.exists(self.key)

    def lasts(self, days):
        """Whether it is there and good for that many days from now."""
        return self.exists() and _says_yes("x509", "-in", self.cert, "-noout", "-checkend",
                                           str(days * 86400))

    def expires(self):
        """The day, such as 2027-02-21."""
        end = _openssl("x509", "-in", self.cert, "-noout", "-enddate").strip().partition("=")[2]
        return time.strftime("%Y-%m-%d", time.gmtime(ssl.cert_time_to_seconds(end)))

    def put(self, other):
        """Takes over what `other` is, each file at once, as a renewal does. The key comes first: a
        reader in between finds no pair, and keeps what it has."""
        for mine, theirs in ((self.key, other.key), (self.cert, other.cert)):
            with open(theirs, "rb") as source, open(mine + ".new", "wb", opener=_private) as copy:
                copy.write(source.read())
            os.rename(mine + ".new", mine)


class Authority(Certificate):
    """Signs certificates; itself made on first use, or when it soon expires. `folder` gets all files,
    which only their owner can read."""

    def __init__(self, folder, name="ca", days=3650, signer=None):
        super().__init__(folder, name)
        self.folder, self.signer = folder, signer
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not self.lasts(min(days, 60) // 2):
            self._make(self, f"/CN=inkmesh local {name}", days, signer,
                       ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
                        "subjectKeyIdentifier=hash"])

    def issue(self, name, names=(), days=90, file=None):
        """A new certificate for `names`, such as DNS:localhost and IP:127.0.0.1 (by default the
        name), good for servers and clients, with this authority behind it unless that is a root."""
        made = Certificate(self.folder, file or name)
        self._make(made, f"/CN={name}", days, self,
                   ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                    "extendedKeyUsage=serverAuth,clientAuth",
                    "subjectAltName=" + ",".join(names or [f"DNS:{name}"])])
        if self.signer:
            with open(made.cert, "a", encoding="ascii") as chain, \
                    open(self.cert, encoding="ascii") as own:
                chain.write(own.read())
        return made

    def keep(self, name, names=(), days=90):
        """The certificate of that name as it is, or a new one when a third of its time is left."""
        kept = Certificate(self.folder, name)
        return kept if kept.lasts(days // 3) and self._signed(kept) else \
            self.issue(name, names, days)

    def _signed(self, certificate):
        return _says_yes("verify", "-partial_chain", "-CAfile", self.cert, certificate.cert)

    @staticmethod
    def _make(made, subject, days, signer, extensions):
        """Each file appears whole, or not at all. `days` may be negative: it expired then."""
        base = made.cert[:-len(".pem")]
        with open(base + ".ext", "w", encoding="ascii") as file:
            file.write("\n".join(extensions) + "\n")
        old_mask = os.umask(0o077)
        try:
            _openssl("req", *_KEY, "-subj", subject, "-keyout", made.key + ".new",
                     "-out", base + ".csr")
            by = ["-CA", signer.cert, "-CAkey", signer.key] if signer else \
                ["-signkey", made.key + ".new"]
            _openssl("x509", "-req", "-in", base + ".csr", *by, "-days", str(days), "-set_serial",
                     str(time.time_ns()), "-extfile", base + ".ext", "-out", made.cert + ".new")
        finally:
            os.umask(old_mask)
        os.rename(made.key + ".new", made.key)
        os.rename(made.cert + ".new", made.cert)
        os.remove(base + ".csr")
        os.remove(base + ".ext")


class MeshCertificates:
    """All that a mesh with TLS needs in one folder: an authority, a certificate of each service for
    its name, one of the gateway as their client, one of the gateway as a web server (`https`), and
    one for people who call services themselves (`operator`)."""

    _LOCAL = ["DNS:localhost", "IP:127.0.0.1"]

    def __init__(self, folder, services):
        self.folder = folder
        self.services = tuple(services)
        self.ca = Certificate(folder, "ca")
        self.https = Certificate(folder, "https")
        self.operator = Certificate(folder, "operator")

    def __getitem__(self, name):
        """The certificate of a program in the mesh."""
        return Certificate(self.folder, name)

    def renew(self):
        """Makes what is missing or expires soon; programs that run find it by themselves."""
        authority = Authority(self.folder)
        for name in self.services:
            authority.keep(name, [f"DNS:{name}", *self._LOCAL])
        authority.keep("gateway")
        authority.keep("operator")
        authority.keep("https", [*self._LOCAL, "IP:::1"])
        return self

    def until(self):
        """The day on which the first of them expires, such as 2027-02-21."""
        names = ("ca", "https", "gateway", "operator", *self.services)
        return min(Certificate(self.folder, name).expires() for name in names)

    def of_service(self, name):
        """The settings of a service."""
        clients = ["gateway", "operator"] + (["notification"] if name == "user" else [])
        return {**self._own(name), "GRPC_TLS_CLIENTS": ",".join(clients)}

    def of_gateway(self):
        return {**self._own("gateway"), "HTTP_TLS_CERT_FILE": self.https.cert,
                "HTTP_TLS_KEY_FILE": self.https.key,
                **{name: value for service in self.services
                   for name, value in self.of_client(service).items()}}

    @staticmethod
    def of_client(service):
        """What a client of the service is told about its name."""
        return {f"{service.upper()}_SERVICE_TLS_NAME": service}

    def _own(self, name):
        return {"GRPC_TLS_CA_FILE": self.ca.cert, "GRPC_TLS_CERT_FILE": self[name].cert,
                "GRPC_TLS_KEY_FILE": self[name].key}


def _says_yes(*args):
    return subprocess.run(["openssl", *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def _openssl(*args):
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"openssl {' '.join(args)}: {done.stderr}")
    return done.stdout
