# tests/system/farside.py - runs the program under test, with pipes or on a pseudo-terminal, and never waits for ever.
import os
import pty
import re
import select
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("FARSIDE", os.path.join(ROOT, "farside"))
TIMEOUT = 280  # seconds; below the limit that ctest sets


class Outcome:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def hash(self):
        match = re.search(r"^state hash ([0-9a-f]{16})$", self.err, re.M)
        return match.group(1) if match else None

    def figure(self, label):
        """The first number of a line of --stats."""
        match = re.search(rf"^  {re.escape(label)} +([0-9.]+)", self.err, re.M)
        return float(match.group(1)) if match else None


def run(*arguments, timeout=TIMEOUT, folder=None):
    result = subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=timeout, cwd=folder)
    return Outcome(result.returncode, result.stdout.decode(errors="replace"), result.stderr.decode(errors="replace"))


def boot(*arguments, command="true", **keywords):
    """Boots the default guest, which runs `command` and powers off."""
    return run("run", *arguments, "--append", f'farside.run="{command}"', **keywords)


class Typist:
    """The program on a terminal of its own, and someone who types."""

    def __init__(self, *arguments):
        self.seen = ""
        self.deadline = time.monotonic() + TIMEOUT
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execv(PROGRAM, [PROGRAM, *arguments])

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.terminal)

    def read_some(self):
        """More output; False when there will be none."""
        remaining = self.deadline - time.monotonic()
        if remaining <= 0 or not select.select([self.terminal], [], [], remaining)[0]:
            raise TimeoutError("the program is too slow; so far it said:\n" + self.seen[-2000:])
        try:
            data = os.read(self.terminal, 4096)
        except OSError:  # Linux reports the end of a pseudo-terminal as an error
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def expect(self, text):
        """Waits for `text`, and forgets everything up to its end."""
        while text not in self.seen:
            if not self.read_some():
                raise AssertionError(f"ended before it said {text!r}; it said:\n" + self.seen[-2000:])
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, text):
        os.write(self.terminal, text.encode())

    def exit_status(self):
        while self.read_some():
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        self.process = 0
        return status
