"""A folder the receivers take for the whole machine.

Their packages exclude each other, and their folders and accounts are built
in. So all of them run with a copy of what tools/bootstrap unpacked as their
root: programs, the libraries these need, accounts, and nothing else.
"""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from tests.practice import processes
from tests.practice.processes import SERVERS

PROGRAMS = (
    "usr/lib/postfix/sbin/*", "usr/lib/postfix/*.so*", "usr/sbin/post*",
    "usr/sbin/exim4",
    "usr/sbin/smtpd", "usr/sbin/smtpctl", "usr/libexec/opensmtpd/*",
    "usr/libexec/sendmail/sendmail", "usr/bin/m4",
    "usr/lib/*-linux-gnu*/sasl2/*.so*",
    "usr/sbin/couriertcpd", "usr/bin/couriertls",
    "usr/lib/courier/courier/submit*",
    "usr/lib/courier/courier/modules/esmtp/*",
    "usr/sbin/dovecot", "usr/bin/doveconf",
    "usr/lib/dovecot/*", "usr/lib/dovecot/modules/libssl*.so")
FOLDERS = ("", "/dovecot", "/dovecot/modules", "/dovecot/modules/old-stats")
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
DATA = ("etc/courier", "usr/share/sendmail/cf", "usr/share/dovecot")
ACCOUNTS = ("postfix", "postdrop", "Debian-exim", "opensmtpd", "opensmtpq",
            "smmta", "smmsp", "courier", "dovecot", "dovenull", "truth")
FIRST_ID = 61000  # of the accounts; nobody on the machine has these


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink() and not os.path.isabs(os.readlink(source)):
        target.unlink(missing_ok=True)
        target.symlink_to(os.readlink(source))
    elif source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def _libraries(programs):
    """Name -> file of every library the programs want, by the loader."""
    environment = processes.environment()
    environment["LD_LIBRARY_PATH"] += "".join(
        f":{SERVERS}/usr/lib{folder}" for folder in FOLDERS)
    done = subprocess.run(["ldd", *map(str, programs)], text=True,
                          capture_output=True, check=False, env=environment)
    found = {}
    for line in done.stdout.splitlines():
        if "=> not found" in line:
            raise processes.PracticeError(f"library missing: {line.strip()}")
        match = re.search(r"(/\S+) \(0x", line)
        if match:
            found[line.split()[0].rpartition("/")[2]] = Path(match[1])
        if line.strip().startswith("/") and match:  # the loader itself
            found[match[1]] = Path(match[1])
    return found


class Root:
    def __init__(self, folder, hosts):
        self.folder = Path(folder)
        self.hosts = hosts  # address -> name
        self.ids = {name: FIRST_ID + i for i, name in enumerate(ACCOUNTS)}

    def path(self, inside):
        return self.folder / inside.lstrip("/")

    def write(self, inside, text, mode=0o644, owner=None):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        if owner:
            os.chown(path, self.ids[owner], self.ids[owner])
        return inside

    def mkdir(self, inside, owner=None, mode=0o755, group=None):
        path = self.path(inside)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        os.chown(path, self.ids.get(owner, 0),
                 self.ids.get(group or owner, 0))

    def make(self):
        self.folder.mkdir(parents=True)
        self._programs()
        self._accounts()
        self._devices()
        for name in ("/tmp", "/var/tmp", "/run/lock", "/var/lib", "/var/log",
                     "/var/spool", "/root"):
            self.mkdir(name, mode=0o1777 if "tmp" in name else 0o755)
        self.path("/var/run").symlink_to("../run")
        self.write("/etc/hosts", "127.0.0.1 localhost\n" + "".join(
            f"{address} {name}\n" for address, name in self.hosts.items()))
        self.write("/etc/nsswitch.conf",
                   "passwd: files\ngroup: files\nhosts: files\n")
        self.write("/etc/resolv.conf", "nameserver 127.88.255.254\n"
                   "options timeout:1 attempts:1\n")

    def _programs(self):
        for folder in ("lib", "lib64", "bin", "sbin"):
            self.path("usr/" + folder).mkdir(parents=True, exist_ok=True)
            self.path(folder).symlink_to("usr/" + folder)
        programs = []
        for pattern in PROGRAMS:
            found = sorted(SERVERS.glob(pattern))
            if not found:
                raise processes.PracticeError(
                    f"{SERVERS}/{pattern} is missing: run tools/bootstrap")
            for source in found:
                if source.is_dir():
                    continue
                _copy(source, self.path(str(source.relative_to(SERVERS))))
                programs.append(source)
        for name in DATA:
            _copy(SERVERS / name, self.path(name))
        shell = Path("/bin/sh").resolve()
        _copy(shell, self.path("/bin/sh"))
        for name, source in _libraries([*programs, shell]).items():
            self._library(name, source)

    def _library(self, name, source):
        """The loader where it must be, others where it looks unasked."""
        folder = source.parent.name
        target = self.path(name if "/" in name else (
            f"usr/lib/{folder}/{name}" if "-linux-gnu" in folder
            else f"usr/lib/{name}"))
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source.resolve(), target)

    def _accounts(self):
        users = ["root:x:0:0::/root:/bin/sh"]
        groups = ["root:x:0:", "mail:x:8:"]
        for name, number in self.ids.items():
            home = ("/var/lib/opensmtpd/empty" if name.startswith("opensmtp")
                    else "/nowhere")
            users.append(f"{name}:x:{number}:{number}::{home}:/bin/sh")
            groups.append(f"{name}:x:{number}:")
        users.append("nobody:x:65534:65534::/nowhere:/bin/false")
        groups.append("nogroup:x:65534:")
        self.write("/etc/passwd", "\n".join(users) + "\n")
        self.write("/etc/group", "\n".join(groups) + "\n")
        self.write("/etc/services", "smtp 25/tcp mail\nlmtp 24/tcp\n"
                   "submission 587/tcp\n")

    def _devices(self):
        self.path("/dev").mkdir()
        for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
            path = self.path("/dev/" + name)
            try:
                os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
                os.chmod(path, 0o666)
            except PermissionError:  # a container that may not: near enough
                path.write_bytes(b"" if name == "null" else os.urandom(4096))
                path.chmod(0o666)

    def start(self, words, log, **environment):
        """A process that sees nothing but the root."""
        return processes.start(
            processes.watched(["chroot", self.folder, *words]), log,
            env=ENVIRONMENT | environment)

    def run(self, *words, stdin=""):
        done = subprocess.run(
            ["chroot", self.folder, *words], input=stdin, text=True,
            capture_output=True, check=False, timeout=60,
            env=ENVIRONMENT)
        if done.returncode != 0:
            raise processes.PracticeError(
                f"{words[0]}: {done.stderr}{done.stdout}")
        return done.stdout
