"""The load: people who write, read and sign in all the time, and put what they learn into the
ledger. Each is a thread with a chance of its own, made of the seed."""

import random
import threading
import time

from client import Client
from tables import Row, by_tag

PASSWORD = "correct horse battery"
_MANY, _FEW = 25, 4  # blogs of an author
# s: longer than REFRESH_TOKEN_GRACE; shorter than REFRESH_TOKEN_REPEAT, and what a request takes
_GRACE, _REPEAT = 1.5, 30


class Person(threading.Thread):
    """Does something again and again until `ending`."""

    pause = 0.05

    def __init__(self, mesh, ledger, name, seed):
        super().__init__(daemon=True, name=name)
        self.ledger, self.chance = ledger, random.Random(f"{seed}/{name}")
        self.client, self.clocks = Client(mesh.port), mesh.clocks
        self.ending = threading.Event()
        self.user = None

    def run(self):
        while not self.ending.wait(self.chance.uniform(0, 2 * self.pause)):
            try:
                self.act()
            except Exception as problem:  # pylint: disable=broad-except
                self.ledger.surprise(f"{self.name}: {problem!r}")

    def act(self):
        raise NotImplementedError

    def ask(self, method, path, *args, **headers):
        calm = self.ledger.calm
        answer = self.client.ask(method, path, *args, **headers)
        self.ledger.count(answer, f"{self.name}: {method} {path}", calm)
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
            self._has_session(user, answer)
        elif answer.refused:
            self.ledger.surprise(f"{user.name}: the right password is refused: {answer}")
        return answer.done

    def _has_session(self, user, answer):
        self.client.token, user.session = answer.body["token"], answer.body["refreshToken"]
        user.doubt = None

    def refresh(self):
        """Goes on with the session. Who is not answered asks again with the same token, the next
        time, and is given the answer that was lost."""
        user, begun = self.user, time.monotonic()
        answer = self._ask_refresh()
        if answer.refused and user.doubt:
            if self.ending.wait(_GRACE):  # it may just have happened
                return
            answer = self._ask_refresh()
        if answer.done:
            self.ledger.session("went on after no answer" if user.doubt else "went on")
            self._has_session(user, answer)
        elif answer.refused:
            if not user.doubt or self._must_last(user.doubt):
                self.ledger.surprise(f"{user.name}: their session is refused: {answer}")
            self.ledger.session("lost")
            self.sign_in(user)
        else:
            user.doubt = user.doubt or begun

    def _ask_refresh(self):
        return self.ask("POST", "/api/v1/auth/refresh", {"refreshToken": self.user.session})

    def _must_last(self, since):
        """Whether a refresh that was begun then, and not answered, can be repeated now: not after a
        minute, of which PostgreSQL's clock decides."""
        clock = self.clocks.get("postgres-user")
        return time.monotonic() - since < _REPEAT and not (clock and clock.moved + 2 > since)

    def see_profile(self):
        answer, user = self.ask("GET", "/api/v1/users/profile"), self.user
        if answer.refused or (answer.done and [answer.body[name] for name in (
                "id", "username", "email")] != [user.id, user.name, user.email]):
            self.ledger.surprise(f"{user.name}: their profile is {answer}")

    def told(self, text):
        """The id of the notification that says so, of those told lately; None when none does."""
        answer = self.ask("GET", "/api/v1/notifications/user")
        return next((one["id"] for one in answer.body if text in one["message"]),
                    None) if answer.done else None


class Author(Person):
    """Writes blogs of their own, one write after another."""

    def __init__(self, mesh, ledger, name, seed):
        super().__init__(mesh, ledger, name, seed)
        self.blogs, self.number = [], 0
        self.all = {}  # tag: Blog, also of those that are not there any more

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
            self.chance.choice((self.see_blogs, self.see_notifications, self.see_profile))()
        elif dice < 0.98:
            self.refresh()
        else:
            self.sign_in(self.user)

    def create(self):
        """True when it was acknowledged."""
        self.number += 1
        blog = self.ledger.blog(self.name, self.number)
        self.all[blog.tag] = blog
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

    def see(self, path, wrong_with):
        """Reads a list: its body, None when that did not come. `wrong_with(body)` yields texts."""
        answer = self.ask("GET", path)
        if answer.refused:
            self.ledger.surprise(f"{self.name}: GET {path}: {answer}")
        if not answer.done:
            return None
        wrong = next(filter(None, wrong_with(answer.body)), None)
        self.ledger.read(wrong and f"{self.name}: GET {path}: {wrong}")
        return answer.body

    def see_blogs(self):
        """All of theirs are there, as they can be, and nothing else."""
        self.see(f"/api/v1/blogs?authorId={self.user.id}&pageSize=100", self.wrong_with_blogs)

    def wrong_with_blogs(self, body):
        rows = by_tag(Row(one["id"], None, one["title"], one["content"], one["authorId"])
                      for one in body["blogs"])
        yield from (f"{tag}: never asked for" for tag in rows if tag not in self.all)
        for tag, blog in self.all.items():
            if tag in rows or not body.get("nextPageToken"):
                yield blog.wrong(rows.get(tag, []), self.user.id)

    def see_notifications(self):
        """What was marked as read stays so; one more is."""
        body = self.see("/api/v1/notifications/user", self.wrong_with_notifications)
        unread = [one["id"] for one in body or () if not one["read"]]
        if unread:
            self.mark(self.chance.choice(unread))

    def wrong_with_notifications(self, body):
        for one in body:
            if one["userId"] != self.user.id:
                yield f"told {one['userId']}: {one['message']}"
            if one["id"] in self.user.marked and not one["read"]:
                yield f"{one['id']} is unread, and was marked as read"

    def mark(self, id_):
        answer = self.ask("POST", f"/api/v1/notifications/{id_}/read", {})
        if answer.done:
            self.user.marked.add(id_)
        elif answer.refused:
            self.ledger.surprise(f"{self.name}: marks {id_} as read: {answer}")


class Reader(Person):
    """Reads what is being written, and must never see the past."""

    pause = 0.005

    def act(self):
        blog = self.ledger.written()
        if not blog:
            return
        version, deleted = blog.version, blog.deletion == "acknowledged"
        answer = self.ask("GET", f"/api/v1/blogs/{blog.id}")
        if answer.done:
            self.ledger.read(f"{blog.tag}: version {answer.version} was read after version "
                             f"{version} was {'deleted' if deleted else 'acknowledged'}"
                             if deleted or answer.version < version else None)
        if answer.refused and not (answer.status == 404 and blog.deletion):
            self.ledger.surprise(f"{blog.tag}: GET: {answer}")


class Visitor(Person):
    """Registers, signs in and reads their profile; somebody new each time."""

    pause = 0.1
    number = 0

    def arrive(self):
        """Registers as somebody new and signs in; True when both were acknowledged."""
        self.number += 1
        self.client.token = None
        self.user = self.register(f"{self.name}-{self.number}")
        return self.user is not None and self.sign_in(self.user)

    def act(self):
        if self.arrive():
            self.see_profile()
            time.sleep(self.pause)
