"""An open load: requests begin when it is their time, however many are still unanswered, each on a
connection of its own. For some hundred a second."""

import asyncio
import json
import time

from harness.waiting import HarnessError

from .series import quantile

_PATIENCE = 20  # s


def _text(request):
    body = json.dumps(request.body) if request.body is not None else ""
    token = f"Authorization: Bearer {request.token}\r\n" if request.token else ""
    return (f"{request.method} {request.path} HTTP/1.1\r\nHost: offer\r\nConnection: close\r\n{token}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


async def _one(port, text, begin):
    """(status, ms) of a request that begins at a time of the loop."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(max(0.0, begin - loop.time()))
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(text)
        answer = await asyncio.wait_for(reader.read(), _PATIENCE)
        writer.close()
        status = int(answer.split(b" ", 2)[1])
        if status == 503 and b"\r\nretry-after: " not in answer.lower():
            return 0, 0.0
        return status, 1000 * (loop.time() - begin)
    except (OSError, asyncio.TimeoutError, IndexError, ValueError):
        return 0, 0.0


async def _all(port, texts, rate, seconds):
    begin = asyncio.get_running_loop().time()
    return await asyncio.gather(*(_one(port, texts[number % len(texts)], begin + number / rate)
                                  for number in range(rate * seconds)))


def ask(port, requests, rate, seconds):
    """[(status, ms)] of requests in turn, offered at a rate, which may be more than can be done. The
    status is 0 without an answer, or with 503 that does not say when to come back."""
    return asyncio.run(_all(port, [_text(request) for request in requests], rate, seconds))


def offer(port, requests, rate, seconds):
    """The sample of what ask() does: its rate is that of good answers, p50 and p99 are theirs; it was
    refused where the answer is 503 with Retry-After."""
    begun = time.monotonic()
    answers = ask(port, requests, rate, seconds)
    took = time.monotonic() - begun
    good = [ms for status, ms in answers if status in (200, 201)]
    refused = sum(status == 503 for status, _ in answers)
    if len(good) < 2:
        raise HarnessError(f"{len(good)} of {len(answers)} requests succeeded")
    return {"requests": len(answers), "rate": len(good) / took, "refused": refused / took,
            "p50": quantile(good, 50), "p99": quantile(good, 99),
            "errors": len(answers) - len(good) - refused}
