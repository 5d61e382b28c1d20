"""Other programs, each with a time limit."""

import os
import shlex
import signal
import subprocess
import threading
import time


class Outcome:
    """What a program left: exit status, output, and how long it took. A signal is a negative status."""

    def __init__(self, command, status, stdout, stderr, seconds, timed_out):
        self.command = shlex.join(command)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.seconds = seconds
        self.timed_out = timed_out

    def text(self):
        """Standard output as text."""
        return self.stdout.decode("utf-8", "replace")

    def said(self, lines=4):
        """What it complained about: its first errors, or else the end of what it said."""
        said = self.stderr.strip().splitlines()
        errors = [line for line in said if "[error]" in line or "[fatal]" in line]
        return " | ".join(errors[:lines] or said[-lines:])

    def why(self):
        """How it ended, in words."""
        end = f"stopped after {self.seconds:.0f} s" if self.timed_out else f"exit status {self.status}"
        return f"{end}: {self.said()}: {self.command}"


def run(command, limit=60, environment=None, on_line=None):
    """Runs a program, at most `limit` seconds.

    With `on_line`, that is called with the time and each line of standard output as it comes.
    """
    command = [str(word) for word in command]
    start = time.monotonic()
    # A session of its own: when time is up, its children go with it.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env={**os.environ, **(environment or {})}, start_new_session=True)
    timed_out = threading.Event()

    def stop():
        timed_out.set()
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    timer = threading.Timer(limit, stop)
    timer.start()
    try:
        if on_line:
            errors = []
            reader = threading.Thread(target=lambda: errors.append(child.stderr.read()))
            reader.start()
            for line in child.stdout:
                on_line(time.monotonic(), line.decode("utf-8", "replace").rstrip("\n"))
            reader.join()
            stdout, stderr = b"", errors[0]
            child.wait()
        else:
            stdout, stderr = child.communicate()
    finally:
        timer.cancel()
    return Outcome(command, child.returncode, stdout, stderr.decode("utf-8", "replace"),
                   time.monotonic() - start, timed_out.is_set())
