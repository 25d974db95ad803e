#!/usr/bin/env python3
"""A smart card whose every answer takes 20 ms: what the agent adds to OpenSC's own time, and what a card
that hangs takes from others.

pcscd and vpcd have fixed places, so the measuring is done in namespaces: measure_all() runs this file anew in
them, by unshare(1), and reads what it prints. The card is that of the tests (tests/card/), which counts
what it is asked."""

import fcntl
import json
import os
import pathlib
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import time
import types

import world as worlds
from turns import Group, Worker
from works import SIGN_P256, Work, agent_group
from world import Failure

ANSWER_MS = 20
DRIVER = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
PORT = 0x8c7b
# Slot of the card and key of the fixture: those that are on no other token.
KEYS = {"9A": "bob-rsa-sign", "9C": "carol-p256-sign", "9D": "bob-rsa-decrypt"}
TOKEN = "Bob Example"
# OpenSC's label of the private key in 9A, and of the public one, which the agent has before a login.
KEY, PUBLIC_KEY = "PIV AUTH key", "PIV AUTH pubkey"

LIST_GOAL_MS = 10
FIRST_LIST_GOAL = 1.10
OVERHEAD_GOAL_MS = 2
LOSS_GOAL = 0.05

SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40


# -- the world --------------------------------------------------------------------------------


def find_opensc():
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                   "/usr/lib"):
        path = f"{folder}/opensc-pkcs11.so"
        if os.path.exists(path):
            return path
    return None


def own_namespaces():
    """A command before another."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *as_root, "--mount", "--net"]


def missing():
    """What cards need and is not here; None if all is."""
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    for program in ("pcscd", "unshare"):
        if not shutil.which(program, path=path):
            return program
    if not os.path.exists(DRIVER):
        return DRIVER
    if not find_opensc():
        return "opensc-pkcs11.so"
    allowed = subprocess.run([*own_namespaces(), "true"], capture_output=True, check=False)
    return None if allowed.returncode == 0 else "the right to namespaces"


class CardWorld(worlds.World):
    """SoftHSM's token, and a card in a reader."""

    def __init__(self, build, answer_ms):
        super().__init__(build)
        self.answer_ms = answer_ms
        self.opensc = find_opensc()

    def start_bus(self):
        super().start_bus()
        self.start_cards()

    def start_cards(self):
        cards = self.folder / "cards"
        readers = self.folder / "readers"
        cards.mkdir()
        readers.mkdir()
        lines = ["[card]", f"pin={self.pin_file.read_text(encoding='utf-8')}"]
        for slot, key in KEYS.items():
            lines += [f"[{slot}]", f"key={self.fixture}/software-keys/{key}.pem",
                      f"certificate={self.certificate(key)}"]
        (cards / "bob.card").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (readers / "vpcd").write_text(f'FRIENDLYNAME "Seal Reader"\nDEVICENAME /dev/null:{PORT:#X}\n'
                                      f"LIBPATH {DRIVER}\nCHANNELID {PORT:#X}\n".replace("0X", "0x"))
        self.cards_socket = str(cards / "socket")
        self.start([self.build / "tests/card/piv-card", self.cards_socket, f"{PORT},{PORT + 1}",
                    cards / "bob.card"], stdout=self.log)
        self.start(["pcscd", "--foreground", "--config", readers], stdout=self.log)
        worlds.wait_until(lambda: listens("/run/pcscd/pcscd.comm"), "pcscd to listen")
        worlds.wait_until(lambda: listens(self.cards_socket), "the cards to listen")
        self.tell("insert bob 0")
        self.wait_for_card()
        self.tell(f"slow bob {self.answer_ms}")

    def wait_for_card(self):
        """pcscd looks at the reader now and then."""
        done = subprocess.run(["opensc-tool", "--reader", "0", "--wait", "--name"], env=self.env,
                              capture_output=True, check=False, timeout=worlds.PATIENCE_S)
        if done.returncode:
            raise Failure(f"there is no card: {done.stderr.decode().strip()}")

    def write_config(self):
        super().write_config()
        config = self.folder / "config/privyseal/privyseal.conf"
        with open(config, "a", encoding="utf-8") as file:
            file.write(f"[module opensc]\npath={self.opensc}\n")

    def tell(self, line):
        """Tells the cards a line (tests/card/control.h). Returns the number in the answer, or None."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(worlds.PATIENCE_S)
            control.connect(self.cards_socket)
            control.sendall(line.encode())
            answer = control.recv(128).decode().split()
        if not answer or answer[0] != "ok":
            raise Failure(f"the cards do not take '{line}'")
        return int(answer[1]) if len(answer) > 1 else None

    def count(self):
        return self.tell("count bob any")


def listens(path):
    return os.path.exists(path) and worlds.listens(path)


# -- looking ----------------------------------------------------------------------------------


def run(world, command):
    done = subprocess.run(command, env=world.env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def bare_start(world):
    """Milliseconds of C_Initialize by a program that loads OpenSC itself."""
    words = run(world, [world.program("first-look"), world.opensc, TOKEN, str(len(KEYS))]).split()
    return int(words[5]) / 1000


def listing(world):
    """Milliseconds of a new process that lists the keys, and whether the card's are among them."""
    start = time.monotonic()
    text = run(world, [world.build / "ui-cli/privyseal", "list", "keys", "--json"])
    spent = 1000 * (time.monotonic() - start)
    return spent, any(key["label"] in (KEY, PUBLIC_KEY) for key in json.loads(text)["keys"])


def first_list(world):
    """Milliseconds until the card's keys are listed, with no agent running before, and by how many
    commands of the card."""
    world.end_agent()
    world.tell("forget bob")
    start, there = time.monotonic(), False
    while not there:
        _, there = listing(world)
        if time.monotonic() > start + worlds.PATIENCE_S:
            raise Failure("the agent does not list the card's keys")
    return 1000 * (time.monotonic() - start), world.count()


def second_list(world):
    """Milliseconds of another program's look at everything, by libprivyseal."""
    return int(run(world, [world.program("through-agent"), "activate", PUBLIC_KEY]).split()[3]) / 1000


def measure_looks(world, rounds):
    bare, first, second, whole, commands, bare_commands = [], [], [], [], [], []
    for _ in range(rounds):
        world.end_agent()
        world.tell("forget bob")
        bare.append(bare_start(world))
        bare_commands.append(world.count())
        spent, asked = first_list(world)
        first.append(spent)
        commands.append(asked)
    wait_until_idle(world)
    world.tell("forget bob")
    for _ in range(3 * rounds):
        second.append(second_list(world))
        whole.append(listing(world)[0])
    asked = world.count()
    ours, theirs = statistics.median(first), statistics.median(bare)
    listed = statistics.median(second)
    return [
        ("first list after start", f"{ours:.0f} ms", f"{FIRST_LIST_GOAL * theirs:.0f} ms",
         ours <= FIRST_LIST_GOAL * theirs),
        ("OpenSC's C_Initialize by itself", f"{theirs:.0f} ms", "-", None),
        ("commands of the card for the first list", f"{max(commands)}", "-", None),
        ("commands of the card for C_Initialize and a look", f"{max(bare_commands)}", "-", None),
        ("a second program's list, the card idle", f"{listed:.1f} ms", f"{LIST_GOAL_MS} ms",
         listed <= LIST_GOAL_MS),
        ("the same with `privyseal list`, a whole process", f"{statistics.median(whole):.1f} ms", "-",
         None),
        ("commands of the card for these", f"{asked}", "0", asked == 0),
    ]


def wait_until_idle(world):
    """Until the card is not asked any more."""
    counts = [-1, world.count()]
    while counts[-1] != counts[-2]:
        time.sleep(0.3)
        counts.append(world.count())


# -- signing ----------------------------------------------------------------------------------


def signing_time(world, command, env, milliseconds):
    """Milliseconds a signature of one process, the first one not counted, and the card's commands."""
    worker = Worker(world, command, env)
    worker.go(1)
    worker.done()
    world.tell("forget bob")
    worker.go(milliseconds)
    operations, wall_ns, _ = worker.done()
    asked = world.count()
    worker.end()
    return wall_ns / 1e6 / max(operations, 1), asked / max(operations, 1)


def measure_signing(world, rounds, milliseconds):
    certificate = str(world.certificate(KEYS["9A"]))
    bare = [world.program("direct"), world.opensc, str(world.pin_file), "sign-rsa", KEY, certificate, "1"]
    ours = [world.program("through-agent"), "work", "sign-rsa", PUBLIC_KEY, certificate]
    times = {"bare": [], "agent": [], "lanes": []}
    asked = {way: [] for way in times}
    for _ in range(rounds):
        for way in times:
            world.end_agent()
            if way != "bare":
                first_list(world)
                wait_until_idle(world)
            env = {"PRIVYSEAL_LANES": "0"} if way == "agent" else None
            spent, commands = signing_time(world, bare if way == "bare" else ours, env, milliseconds)
            times[way].append(spent)
            asked[way].append(commands)
    rows = [("RSA signature with 9A by OpenSC itself", f"{statistics.median(times['bare']):.1f} ms", "-",
             None)]
    for way, name in (("agent", "the agent"), ("lanes", "libprivyseal as it is, with lanes")):
        more = statistics.median(a - b for a, b in zip(times[way], times["bare"]))
        rows.append((f"what {name} adds", f"{more:.1f} ms", f"{OVERHEAD_GOAL_MS} ms",
                     more <= OVERHEAD_GOAL_MS))
    counts = ", ".join(f"{statistics.median(asked[way]):.1f}" for way in times)
    rows.append(("commands of the card for each of these three", counts, "equal",
                 max(map(statistics.median, asked.values())) < statistics.median(asked["bare"]) + 0.5))
    return rows


# -- beside a card that hangs -------------------------------------------------------------------


def measure_hanging(world, rounds, milliseconds):
    work = Work(world, SIGN_P256, {})
    first_list(world)
    busy = agent_group(world, work, 1, 1)
    certificate = str(world.certificate(KEYS["9A"]))
    card = [world.program("through-agent"), "work", "sign-rsa", PUBLIC_KEY, certificate]
    stuck = Worker(world, card, {"PRIVYSEAL_LANES": "0"})
    rates = {False: [], True: []}
    for turn in range(rounds):
        for hangs in (True, False) if turn % 2 else (False, True):
            if hangs:
                world.tell("calm bob")
                world.tell("hang bob 87 1")
                stuck.go(1)
                world.tell("wait bob 87 1")
            busy.round(milliseconds)
            rates[hangs].append(busy.rates[-1])
            if hangs:
                world.tell("release bob")
                stuck.done()
    stuck.end()
    busy.end()
    loss = 1 - statistics.median(a / b for a, b in zip(rates[True], rates[False]))
    return [("SoftHSM signatures lost while the card hangs", f"{100 * loss:.1f} %",
             f"{100 * LOSS_GOAL:.0f} %", loss <= LOSS_GOAL)]


# -- inside and outside of the namespaces ---------------------------------------------------------


def enter():
    """What a namespace of its own lacks: /run and the loopback."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run"], check=True)
    pathlib.Path("/run/pcscd").mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP | IFF_RUNNING, b""))
    os.environ["PATH"] += ":/usr/sbin"


def main():
    options = types.SimpleNamespace(**json.loads(sys.argv[1]))
    enter()
    try:
        with CardWorld(options.build, options.answer_ms) as world:
            rows = measure_looks(world, options.rounds)
            rows += measure_signing(world, options.rounds, options.milliseconds)
        with CardWorld(options.build, 0) as world:
            rows += measure_hanging(world, 2 * options.rounds, options.milliseconds)
    except Failure as failure:
        sys.exit(str(failure))
    print(json.dumps(rows))


def measure_all(options):
    load = os.getloadavg()[0]
    lacking = missing()
    if lacking:
        raise Failure(f"cannot measure cards: {lacking} is missing (scripts/setup card)")
    inside = {"build": options.build, "rounds": max(options.rounds // 2, 1),
              "answer_ms": ANSWER_MS if options.rounds > 1 else 1,
              "milliseconds": 4 * options.milliseconds}
    done = subprocess.run([*own_namespaces(), sys.executable, __file__, json.dumps(inside)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"cannot measure cards: {done.stderr.strip()}")
    words = {None: "", True: "reached", False: "short"}
    rows = [(name, measured, goal, words[reached])
            for name, measured, goal, reached in json.loads(done.stdout)]
    for row in rows:
        print(f"  {row[0]}: {row[1]}", file=sys.stderr, flush=True)
    return {"rounds": inside["rounds"], "milliseconds": inside["milliseconds"], "load": load, "cards": rows}


if __name__ == "__main__":
    main()
