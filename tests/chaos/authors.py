"""The load: people who write, read and sign in all the time, and put what they learn into the
ledger. Each is a thread with a chance of its own, made of the seed."""

import random
import threading
import time

from client import Client

PASSWORD = "correct horse battery"
_MANY, _FEW = 25, 4  # blogs of an author


class Person(threading.Thread):
    """Does something again and again until `ending`."""

    pause = 0.05

    def __init__(self, mesh, ledger, name, seed):
        super().__init__(daemon=True, name=name)
        self.ledger, self.chance = ledger, random.Random(f"{seed}/{name}")
        self.client = Client(mesh.port)
        self.ending = threading.Event()

    def run(self):
        while not self.ending.wait(self.chance.uniform(0, 2 * self.pause)):
            try:
                self.act()
            except Exception as problem:  # pylint: disable=broad-except
                self.ledger.surprise(f"{self.name}: {problem!r}")

    def act(self):
        raise NotImplementedError

    def ask(self, *args, **headers):
        answer = self.client.ask(*args, **headers)
        self.ledger.count(answer)
        if not answer.done and not answer.refused:
            self.ending.wait(0.2)  # as clients should
        return answer

    def register(self, name):
        """A new account; its User, or None when nobody knows whether there is one now."""
        user = self.ledger.user(name)
        answer = self.ask("POST", "/api/v1/auth/register",
                          {"username": name, "email": user.email, "password": PASSWORD})
        if answer.done:
            user.id = answer.body["id"]
        elif answer.refused:
            self.ledger.surprise(f"{name}: registration refused: {answer}")
        return user if answer.done else None

    def sign_in(self, user):
        answer = self.ask("POST", "/api/v1/auth/login",
                          {"email": user.email, "password": PASSWORD})
        if answer.done:
            self.client.token = answer.body["token"]
        elif answer.refused:
            self.ledger.surprise(f"{user.name}: the right password is refused: {answer}")
        return answer.done


class Author(Person):
    """Writes blogs of their own, one write after another."""

    def __init__(self, mesh, ledger, name, seed):
        super().__init__(mesh, ledger, name, seed)
        self.user, self.blogs, self.number = None, [], 0

    def settle(self):
        """Registers and signs in, before anything is broken."""
        self.user = self.register(self.name)
        if not self.user or not self.sign_in(self.user):
            raise RuntimeError(f"{self.name} could not register: {self.ledger.surprises}")

    def act(self):
        dice = self.chance.random()
        if len(self.blogs) < _FEW or (dice < 0.15 and len(self.blogs) < _MANY):
            self.create()
        elif dice < 0.60:
            self.change(self.chance.choice(self.blogs), "PUT")
        elif dice < 0.80:
            self.change(self.chance.choice(self.blogs), "PATCH")
        elif dice < 0.86:
            self.delete(self.blogs.pop(0))
        elif dice < 0.90:
            self.stale(self.chance.choice(self.blogs))
        elif dice < 0.95:
            self.look()
        else:
            self.sign_in(self.user)

    def create(self):
        """True when it was acknowledged."""
        self.number += 1
        blog = self.ledger.blog(self.name, self.number)
        title, content = blog.next_write()
        answer = self.ask("POST", "/api/v1/blogs", {"title": title, "content": content})
        if answer.done:
            blog.id = answer.body["id"]
            self.ledger.surprise(blog.made(answer.version, title, content))
            self.blogs.append(blog)
        elif answer.refused:
            self.ledger.surprise(f"{title}: refused: {answer}")
        else:
            blog.lost(title, content)
        return answer.done

    def change(self, blog, method):
        """PUT changes both texts, PATCH the title; a third of them only under a condition."""
        title, content = blog.next_write(with_content=method == "PUT")
        certain = blog.certain
        headers = {"if_match": f'"{blog.version}"'} if self.chance.random() < 0.3 else {}
        self.ledger.writing(blog)
        answer = self.ask(method, f"/api/v1/blogs/{blog.id}",
                          {"title": title, **({"content": content} if content else {})}, **headers)
        if answer.done:
            self._changed(blog, answer, title, content)
        elif not answer.refused:
            blog.lost(title, content)
        elif answer.status != 412 or certain or not headers:
            self.ledger.surprise(f"{title}: {method} {headers} refused: {answer}")

    def _changed(self, blog, answer, title, content):
        said = answer.body["title"], answer.body["content"]
        allowed = {content} if content else blog.contents()
        if said[0] != title or said[1] not in allowed:
            self.ledger.surprise(f"{title}: was answered with {said}")
        self.ledger.surprise(blog.made(answer.version, title, said[1]))

    def stale(self, blog):
        """A condition that cannot hold: version 0 never was."""
        title, _ = blog.next_write()
        answer = self.ask("PATCH", f"/api/v1/blogs/{blog.id}", {"title": title}, if_match='"0"')
        if answer.done or (answer.refused and answer.status != 412):
            self.ledger.surprise(f"{title}: If-Match of a version that never was: {answer}")

    def delete(self, blog):
        blog.deletion = "asked"
        answer = self.ask("DELETE", f"/api/v1/blogs/{blog.id}")
        if answer.done:
            blog.deletion = "acknowledged"
        elif answer.refused:
            self.ledger.surprise(f"{blog.tag}: DELETE refused: {answer}")

    def look(self):
        """Lists."""
        for path in (f"/api/v1/blogs?authorId={self.user.id}&pageSize=5",
                     "/api/v1/notifications/user", "/api/v1/users/profile"):
            answer = self.ask("GET", path)
            if answer.refused:
                self.ledger.surprise(f"{self.name}: GET {path}: {answer}")


class Reader(Person):
    """Reads what is being written, and must never see the past."""

    pause = 0.005

    def act(self):
        blog = self.ledger.written()
        if not blog:
            return
        version, deleted = blog.version, blog.deletion == "acknowledged"
        answer = self.ask("GET", f"/api/v1/blogs/{blog.id}")
        if answer.done and (deleted or answer.version < version):
            self.ledger.saw_past(f"{blog.tag}: version {answer.version} was read after version "
                                 f"{version} was {'deleted' if deleted else 'acknowledged'}")
        if answer.refused and not (answer.status == 404 and blog.deletion):
            self.ledger.surprise(f"{blog.tag}: GET: {answer}")


class Visitor(Person):
    """Registers, signs in and reads their profile; somebody new each time."""

    pause = 0.1
    number = 0

    def act(self):
        self.number += 1
        self.client.token = None
        user = self.register(f"{self.name}-{self.number}")
        if user and self.sign_in(user):
            answer = self.ask("GET", "/api/v1/users/profile")
            if answer.refused or (answer.done and answer.body["id"] != user.id):
                self.ledger.surprise(f"{user.name}: their profile is {answer}")
            time.sleep(self.pause)
