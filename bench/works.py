"""What is done in turns: an operation on a key, by a program that loads a PKCS#11 module, by one that
asks the agent with libprivyseal, or by p11-kit's client."""

import contextlib
import os
import subprocess

import world as worlds
from turns import Group, Worker

P11KIT_CLIENT = "pkcs11/p11-kit-client.so"
TOKEN = "Alice"


# name, title, operation of question.h, key of the fixture, label
SIGN_RSA = ("sign-rsa", "RSA-2048 sign", "sign-rsa", "alice-rsa-sign", "Alice RSA signing")
SIGN_P256 = ("sign-p256", "P-256 sign", "sign-p256", "alice-p256-sign", "Alice P-256 signing")


class Work:
    """One row of the table: an operation on a key; goals by number of clients."""

    def __init__(self, world, row, goals):
        self.name, self.title, self.operation, key, self.label = row
        self.goals = goals
        self.certificate = str(world.certificate(key))


def direct_workers(world, work, clients, threads=1, module=None, env=None):
    command = [world.program("direct"), module or world.module, str(world.pin_file), work.operation,
               work.label, work.certificate, str(threads)]
    return [Worker(world, command, env) for _ in range(clients)]


def agent_group(world, work, clients, in_flight, lanes=False):
    """Through the agent; with `lanes` libprivyseal opens them as it always does: one for each client, also for
    all that it has in flight."""
    command = [world.program("through-agent"), "work", work.operation, work.label, work.certificate]
    if in_flight > 1:
        command.append(str(in_flight))
    env = None if lanes else {"PRIVYSEAL_LANES": "0"}
    workers = [Worker(world, command, env) for _ in range(clients)]
    return Group(workers, [world.agent_pid(), world.host_pid()])


def module_group(world, work, clients, threads=1):
    """Programs that know only PKCS#11, with our module."""
    workers = direct_workers(world, work, clients, threads, module=world.own_module())
    return Group(workers, [world.agent_pid(), world.host_pid()])


def p11kit_group(world, work, clients, server, threads=1):
    """None where p11-kit cannot do the work."""
    if not server or work.operation == "derive-p256":
        return None
    address, client_module, pid = server
    older = worlds.children(pid) # it forks for each connection
    workers = direct_workers(world, work, clients, threads, module=client_module,
                             env={"P11_KIT_SERVER_ADDRESS": address})
    return Group(workers, [each for each in worlds.children(pid) if each not in older])


def find_p11kit_client():
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                   "/usr/lib"):
        if os.path.exists(f"{folder}/{P11KIT_CLIENT}"):
            return f"{folder}/{P11KIT_CLIENT}"
    return None


@contextlib.contextmanager
def p11kit_server(world):
    """`p11-kit server` for the world's module; yields its address, the client module and the server's pid,
    or None."""
    client_module = find_p11kit_client()
    if not client_module:
        yield None
        return
    socket = world.folder / "run" / "p11-kit"
    process = world.start(["p11-kit", "server", "-f", "-n", str(socket), "--provider", world.module,
                           f"pkcs11:token={TOKEN}"], stdout=subprocess.DEVNULL)
    worlds.wait_until(socket.exists, "p11-kit server to listen")
    try:
        yield f"unix:path={socket}", client_module, process.pid
    finally:
        world.processes.remove(process)
        worlds.end_process(process)
