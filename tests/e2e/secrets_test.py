#!/usr/bin/python3
"""What the mesh is entrusted with is nowhere but where it belongs, and nobody can forge its log.

The operator's secrets (in files, as docs/operations.md recommends), those that clients send, also
where they do not belong, and addresses of e-mail have marks. Things are made to fail, and then all
that the mesh has said or kept is searched for the marks. In the same way each text that could end
a log line, or act on who reads it, is put wherever the log may show it.
"""

import glob
import itertools
import json
import os
import re
import socket
import struct
import subprocess
import unittest
import urllib.error
import urllib.request
import uuid

import grpc

from harness.kafka import jars
from harness.postgres import program
from harness.program import Program
from harness.rpc import Client, Contract, Failure
from harness.server import scratch
from harness.stack import Stack, runfiles_binary
from harness.tools import tool
from harness.waiting import until
from harness import ports
from mesh import MeshTest, total

OPERATOR = "oPeRaToR"  # in every secret of the operator
CLIENT = "cLiEnT"  # in every secret that a client sends
EMAIL = "mArKeD"  # in every address of e-mail
PASSWORD = f"{CLIENT} correct horse"
# Longer than any id, as tokens are.
TOKEN = f"eyJhbGciOiJIUzI1NiJ9.{CLIENT * 8}.{CLIENT * 8}"


def secret(name):
    return OPERATOR + name.replace("_", "") + "0" * 32


def read(path):
    with open(path, "rb") as file:
        return file.read()


def files(folder):
    """The contents of all files in a folder."""
    paths = glob.glob(os.path.join(folder, "**"), recursive=True)
    return b"\n".join(read(path) for path in paths if os.path.isfile(path))


class SecretsTest(MeshTest):
    @classmethod
    def setUpClass(cls):
        settings = {**MeshTest.settings, "LOG_LEVEL": "debug", "EMAIL_BACKOFF": "100ms",
                    "EMAIL_POLL": "200ms"}
        cls.mesh = mesh = Stack(settings=settings, secret=secret, kafka_jars=jars(), with_mail=True)
        cls.addClassCleanup(mesh.stop)
        cls.programs = [mesh.gateway, *mesh.services.values()]
        cls.answers = []
        mesh.mail.login = ("mesh", secret("SMTP_PASSWORD"))
        mesh.services["notification"].env.update(SMTP_USER="mesh",
                                                 SMTP_PASSWORD=secret("SMTP_WRONG"))
        for one in cls.programs:
            one.env["LOG_FOLDER"] = scratch("log-")
            one.env["REDIS_URL"] = f"redis://mesh:{secret('REDIS')}@127.0.0.1:{mesh.redis.port}"
            for name in {"JWT_SECRET", "DATABASE_URL", "REDIS_URL", "SMTP_PASSWORD"} & set(one.env):
                cls.set_secret(one, name, one.env[name])
        mesh.start()

    @staticmethod
    def set_secret(one, name, value):
        """Gives a program a secret by a file."""
        one.env.pop(name, None)
        path = one.env.setdefault(f"{name}_FILE", os.path.join(scratch("secret-"), name))
        with open(path, "w", encoding="ascii") as file:
            file.write(value + "\n")

    @classmethod
    def let_into_redis(cls):
        cls.mesh.redis.command("ACL", "SETUSER", "mesh", "on", ">" + secret("REDIS"), "~*", "&*",
                               "+@all")

    def request(self, *args, **kwargs):
        answer = super().request(*args, **kwargs)
        self.answers.append(b"%r\n%s" % (answer.headers.items(), answer.body)
                            if False else repr(answer.headers.items()).encode() + answer.body)
        return answer
