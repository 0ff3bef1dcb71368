"""Uses the shell as a person does: in a pseudo-terminal, key by key.

    python3 shell_on_a_terminal.py PROGRAM DATABASE STATE_DIRECTORY

Exits with 1 and says what was missing when the shell does not show what it should.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

program, database, state = sys.argv[1:]
LIMIT = 60  # Seconds that anything may take: a loaded machine is slow.


class Terminal:
    def __init__(self, columns=80):
        self.seen = ""
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.environ["XDG_STATE_HOME"] = state
            os.environ["TERM"] = "xterm"
            os.execv(program, [program, "shell", database])
        self.resize(columns)

    def resize(self, columns):
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def send(self, keys):
        os.write(self.file, keys.encode())

    def expect(self, pattern):
        """Waits until what was shown since the last match holds the pattern."""
        end = time.monotonic() + LIMIT
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end() :]
                return
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.file], [], [], left)[0]:
                self.fail(pattern)
            try:
                more = os.read(self.file, 65536)
            except OSError:
                more = b""
            if not more:
                self.fail(pattern)
            self.seen += more.decode("utf-8", "replace")

    def fail(self, pattern):
        print(f"not shown: {pattern}\nshown: {self.seen[-3000:]!r}")
        os.kill(self.pid, signal.SIGKILL)
        sys.exit(1)

    def exit_code(self):
        while True:
            try:
                if not os.read(self.file, 65536):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


prompt = r"db:default> "
terminal = Terminal()
terminal.expect(prompt)

# Completion of a command and of a key.
terminal.send("ge\tRey\t\r")
terminal.expect(r"get Reykjavik ")
terminal.expect(r"\ntown\r\n")
terminal.expect(prompt)

# Editing in the middle of wide characters.
terminal.send("begin\r")
terminal.expect(r"db:default \[snapshot\]> ")
terminal.send("set k 日X語\x1b[D\x7f\r")
terminal.expect(r"\n\(")
terminal.expect(r"\]> ")
terminal.send("get k\r")
terminal.expect(r"\n日語\r\n")
terminal.expect(r"\]> ")

# An abandoned line does not leave the shell, and an error does not either.
terminal.send("drop everything\x03")
terminal.expect(r"\^C")
terminal.expect(r"\]> ")
terminal.send("get nothing\r")
terminal.expect(r"error: there is no key nothing")
terminal.expect(r"\]> ")

# The history: the line before, and a search.
terminal.send("\x1b[A\x1b[A\r")
terminal.expect(r"\n日語\r\n")
terminal.expect(r"\]> ")
terminal.send("\x12Reyk")
terminal.expect(r"search\)`Reyk': get Reykjavik")
terminal.send("\r")
terminal.expect(r"\ntown\r\n")
terminal.expect(r"\]> ")

# Control-C stops a command that runs, not the shell; what was set is still there.
terminal.send("scan --all\r")
terminal.expect(r"key1\d+ +value")
os.write(terminal.file, b"\x03")
terminal.expect(r"error: stopped|\(20,002 entries")
terminal.expect(r"\]> ")
terminal.send("get k\r")
terminal.expect(r"\n日語\r\n")
terminal.expect(r"\]> ")

# A narrower window shows the line again at once.
terminal.send("count --prefix some-long-prefix")
terminal.expect(r"some-long-prefix")
terminal.resize(30)
terminal.expect(r"\x1b\[J")
terminal.expect(r"some-long-prefix")
terminal.send("\r")
terminal.expect(r"0 entries")
terminal.expect(r"\]> ")

# The end of input rolls back.
terminal.send("\x04")
terminal.expect(r"rolled back")
code = terminal.exit_code()
if code != 0:
    print(f"exit code {code}")
    sys.exit(1)

# The next shell remembers, and nothing of the transaction is there.
terminal = Terminal()
terminal.expect(prompt)
terminal.send("\x12get k\r")
terminal.expect(r"error: there is no key k")
terminal.expect(prompt)
terminal.send("exit\r")
sys.exit(terminal.exit_code())
