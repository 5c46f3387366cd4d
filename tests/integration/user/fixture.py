"""The user service beside real servers, and what its tests have in common."""

import secrets

from harness.rpc import Client
from harness.service import ServiceMesh, ServiceTest, user_token

PASSWORD = "correct horse"


class Mesh(ServiceMesh):
    def __init__(self, **settings):
        super().__init__("user", **{"BCRYPT_COST": "4", **settings})

    def healthy(self):
        health = Client(self.contract, self.first.port, "grpc.health.v1.Health")
        try:
            return health.call("Check").status == 1
        finally:
            health.close()


class UserTest(ServiceTest):
    secrets = (PASSWORD, "$2b$", "$2a$")
    new_mesh = Mesh

    def call(self, method, **fields):
        return self.mesh.client.call(method, **fields)

    def new_user(self, **fields):
        email = f"u{secrets.token_hex(6)}@example.org"
        return self.call("Register", **{"username": "ada", "email": email, "password": PASSWORD,
                                        **fields})

    def login(self, user, password=PASSWORD, **fields):
        return self.call("Login", email=user.email, password=password, **fields)

    def user_token(self, user):
        return user_token(user.id)
