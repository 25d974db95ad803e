"""The small world that a benchmark runs in: a temporary folder with its own HOME and XDG folders, a
SoftHSM token, a private bus that can start the agent, and a pinentry that answers with the token's PIN.

Everything started here is ended here, by the process that was started and by nothing else."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE_S = 20

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

SERVICE = """[D-BUS Service]
Name=org.privyseal.Agent1
Exec={agent}
"""


class Failure(Exception):
    """A sentence for the person who runs the benchmark."""


class World:
    """Use as a context manager; `env` is the environment of every program in it."""

    def __init__(self, build, sleep_ms=0, certificates=0):
        """`sleep_ms`: each operation of the module sleeps so long and computes nothing, as that of an
        HSM across a network does (tests/mock/moody.c over SoftHSM). `certificates`: the token holds so
        many keys of Alice with a certificate each, instead of the fixture's."""
        self.build = pathlib.Path(build).resolve()
        self.source = pathlib.Path(__file__).resolve().parent.parent
        self.sleep_ms = sleep_ms
        self.certificates = certificates
        self.folder = None
        self.processes = []
        self.agents = set()

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="privyseal-bench-"))
        try:
            self.make_folders()
            self.make_token()
            self.write_config()
            self.start_bus()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *ignored):
        self.end()

    def make_folders(self):
        for name in ("config/privyseal", "data", "cache", "state", "run", "home", "services"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "run").chmod(0o700)
        env = {key: value for key, value in os.environ.items()
               if key in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")}
        env.update(HOME=str(self.folder / "home"),
                   XDG_CONFIG_HOME=str(self.folder / "config"),
                   XDG_DATA_HOME=str(self.folder / "data"),
                   XDG_CACHE_HOME=str(self.folder / "cache"),
                   XDG_STATE_HOME=str(self.folder / "state"),
                   XDG_RUNTIME_DIR=str(self.folder / "run"))
        self.env = env

    def make_token(self):
        self.fixture = self.folder / "token"
        maker = self.source / "softhsm-fixtures" / "make-token"
        profiles = [self.write_profile()] if self.certificates else []
        done = subprocess.run([maker, self.fixture, *profiles], capture_output=True, text=True, check=False,
                              env={**self.env, "PRIVYSEAL_BUILD": str(self.build)})
        if done.returncode:
            raise Failure(f"cannot make a token: {done.stderr.strip()}")
        self.module = (self.fixture / "module").read_text().strip()
        self.pin_file = self.fixture / "pin"
        self.env["SOFTHSM2_CONF"] = str(self.fixture / "softhsm2.conf")
        if self.sleep_ms:
            mood = self.folder / "mood"
            mood.write_text(f"[mood]\nsleep-ms={self.sleep_ms}\ninstant=true\n", encoding="utf-8")
            self.env.update(PRIVYSEAL_MOODY=str(mood), PRIVYSEAL_MOODY_MODULE=self.module)
            self.module = str(self.build / "tests/mock/moody.so")

    def write_profile(self):
        """A profile of softhsm-fixtures/ with P-256 keys only, which take no time to make."""
        lines = ["[token alice]", "label=Alice"]
        for i in range(1, self.certificates + 1):
            lines += [f"[key alice-{i}]", "token=alice", "algorithm=p-256", "purpose=sign",
                      f"id={i:02x}", f"label=Alice {i}", "name=Alice Example",
                      f"email=alice-{i}@example.org"]
        profile = self.folder / "certificates.ini"
        profile.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return profile

    def certificate(self, key):
        return self.fixture / "certs" / f"{key}.pem"

    def write_config(self):
        pinentry = self.folder / "pinentry"
        shutil.copy(self.build / "tests/support/fake-pinentry", pinentry)
        pin = self.pin_file.read_text(encoding="utf-8")
        (self.folder / "pinentry.answers").write_text(f"always pin {pin}\n", encoding="utf-8")
        lines = ["[agent]", f"pinentry={pinentry}", "idle-exit=0", "[module bench]",
                 f"path={self.module}"]
        (self.folder / "config/privyseal/privyseal.conf").write_text("\n".join(lines) + "\n")

    def start_bus(self):
        address = self.folder / "run" / "bus"
        agent = self.build / "agent" / "privyseald"
        config = self.folder / "bus.conf"
        config.write_text(BUS_CONFIG.format(socket=address, services=self.folder / "services"))
        (self.folder / "services" / "org.privyseal.Agent1.service").write_text(
            SERVICE.format(agent=agent))
        self.env["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={address}"
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.start(["dbus-daemon", f"--config-file={config}", "--nofork"])
        wait_until(lambda: listens(address), "the private bus to listen")

    def start(self, command, **extra):
        """A process that ends with this world; its stderr goes to the log."""
        process = subprocess.Popen(command, env=self.env, text=True,
                                   stderr=extra.pop("stderr", self.log), **extra)
        self.processes.append(process)
        return process

    def own_module(self):
        """privyseal-pkcs11.so; `module` is the token's."""
        return str(self.build / "pkcs11/module/privyseal-pkcs11.so")

    def program(self, name):
        return str(self.build / "bench" / name)

    def agent_pid(self):
        """The running agent's pid, None if it does not run."""
        asked = subprocess.run(
            ["dbus-send", "--session", "--print-reply=literal", "--dest=org.freedesktop.DBus",
             "/org/freedesktop/DBus", "org.freedesktop.DBus.GetConnectionUnixProcessID",
             "string:org.privyseal.Agent1"],
            env=self.env, capture_output=True, text=True, check=False)
        if asked.returncode:
            return None
        pid = int(asked.stdout.split()[-1])
        self.agents.add(pid)
        return pid

    def host_pid(self):
        """The agent's host."""
        for child in children(self.agent_pid()):
            if os.path.realpath(self.module) in pathlib.Path(f"/proc/{child}/maps").read_text():
                return child
        raise Failure(f"no host has {self.module} loaded")

    def end_agent(self):
        pid = self.agent_pid()
        if pid is None:
            return
        waiting = children(pid) + [pid]
        os.kill(pid, signal.SIGTERM)
        for each in waiting:
            wait_until(lambda each=each: not alive(each), f"process {each} to end")
        self.agents.discard(pid)

    def end(self):
        try:
            if self.processes and self.processes[0].poll() is None:
                self.end_agent()
        finally:
            for process in reversed(self.processes):
                end_process(process)
            shutil.rmtree(self.folder, ignore_errors=True)


def end_process(process):
    if process.stdin:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(fact, what):
    end = time.monotonic() + PATIENCE_S
    while not fact():
        if time.monotonic() > end:
            raise Failure(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.002)


def listens(path):
    """A socket is there before anybody listens to it."""
    with socket.socket(socket.AF_UNIX) as attempt:
        return attempt.connect_ex(str(path)) == 0


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found


def cpu_ns(pid):
    """CPU of a process, ended threads included: its clock by clock_getcpuclockid(3)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def busy_s():
    """Seconds of CPU that the whole machine spent so far, interrupts and stolen time included."""
    words = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _, _, irq, softirq, steal = map(int, words[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def pss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise Failure(f"the kernel tells no PSS of process {pid}")


def wake_ups(pid):
    """How often any thread of it went to sleep by itself so far, and so was woken."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total
