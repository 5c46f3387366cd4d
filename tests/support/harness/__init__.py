"""Real servers as objects: what `./inkmesh up` runs and what the tests start, hurt and stop.

One class a kind of server (Postgres, Redis, Kafka, Program), all of them a Server: start, stop, kill,
pause, resume, restart. Ports and data come from the caller: free and throw-away ones in tests,
fixed and lasting ones in `./inkmesh up`. Nothing here touches a process that it did not start.
"""
