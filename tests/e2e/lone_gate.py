"""A gateway alone, without the practice Internet: made by `postseal init`, run
by `serve`."""

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
POSTSEAL = ROOT / "build/src/cli/postseal"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Gate:
    """`body` is the configuration after hostname, data and tls lines; {port}
    names are replaced by free ports, kept in `ports`."""

    def __init__(self, folder, body, ports=("smtp",)):
        self.folder = Path(folder)
        self.config = self.folder / "postseal.conf"
        self.ports = {name: free_port() for name in ports}
        self.process = None
        self.postseal("init", self.folder, "--hostname", "gate.clinic.example")
        self.config.write_text(
            "hostname gate.clinic.example\ndata data\n"
            "tls { certificate gate.pem  key gate.key }\n"
            + body.format(**self.ports))

    def postseal(self, *arguments, stdin="", check=True):
        done = subprocess.run([POSTSEAL, *arguments], capture_output=True,
                              text=True, input=stdin, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        log = open(self.folder / "gate.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [POSTSEAL, "serve", "-c", self.config], stderr=log, stdout=log)
        for port in self.ports.values():
            self._wait_port(port)
        return self

    def _wait_port(self, port):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"port {port} stays closed: {self.log()}")

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return 0
        self.process.send_signal(how)
        code = self.process.wait(40)
        self.process = None
        return code

    def log(self):
        return (self.folder / "gate.log").read_text(encoding="utf-8")

    def queue(self, state="all"):
        return json.loads(self.postseal(
            "queue", "list", "--json", "--state", state, "-c", self.config))

    def message(self, message_id):
        return json.loads(self.postseal(
            "message", "show", message_id, "--json", "-c", self.config))

    def role_pids(self):
        """Role name to process id, of the running children."""
        out = subprocess.run(
            ["ps", "--ppid", str(self.process.pid), "-o", "pid=,comm="],
            capture_output=True, text=True, check=False).stdout
        return {line.split()[1].removeprefix("postseal-"): int(line.split()[0])
                for line in out.splitlines()}

    def children(self):
        """Process ids of all roles, also of those that only drain."""
        return [int(pid) for pid in subprocess.run(
            ["ps", "--ppid", str(self.process.pid), "-o", "pid="],
            capture_output=True, text=True, check=False).stdout.split()]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
