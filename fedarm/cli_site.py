"""The subcommands of `fedarm site`: a federation between real sites, with TLS and node authentication.

    fedarm site init DIR --host NAME --client NAME...    certificates and keys, on the server
    fedarm site serve DIR                                run the SuperLink, on the server
    fedarm site join --server HOST:PORT ...              run this lab's SuperNode, on its private dataset

Exit codes: 0 done, 2 a wrong argument, file or machine; of `serve` and `join`, that of Flower's process.
What a command needs is imported when it runs: help and mistakes answer at once.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from pathlib import Path
from typing import Any

from fedarm.logging import log_to_stderr

_DAYS = 365.0
_PORT = 8200
_IMAGE_SIZE = 64


def add_commands(groups: Any) -> None:
    """Add `site` and its commands to the subparsers of the `fedarm` command."""
    site = groups.add_parser("site", help="run a federation between sites")
    # These commands print no JSON.
    site.set_defaults(json=False)
    commands = site.add_subparsers(required=True, metavar="COMMAND")
    _add_init(commands.add_parser("init", help="make the certificates and keys, on the server"))
    _add_serve(commands.add_parser("serve", help="run the SuperLink, on the server"))
    _add_join(commands.add_parser("join", help="run this lab's SuperNode"))


def init(args: Namespace) -> int:
    """Make the certificates and keys of a federation."""
    from fedarm.federated.certificates import make_deployment

    make_deployment(args.folder, names=args.host, clients=args.client, days=args.days)
    print(f"{args.folder}: give each site ca.crt and its own key; ca.key and server.key stay here")
    return 0


def serve(args: Namespace) -> int:
    """Run the SuperLink."""
    from fedarm.federated.superlink import serve

    log_to_stderr()
    return serve(args.folder, host=args.listen, port=args.port)


def join(args: Namespace) -> int:
    """Check this site's data and run its SuperNode."""
    from fedarm.federated.superlink import free_port, join, node_command, prepare_site

    log_to_stderr()
    cache = args.cache or args.dataset.with_name(f"{args.dataset.name}.frames_{args.image_size}")
    command = node_command(
        server=args.server,
        authority=args.ca,
        key=args.key,
        client=args.client,
        cache=cache,
        start=args.start,
        port=args.port or free_port(),
    )
    prepare_site(
        client=args.client,
        dataset=args.dataset,
        cache=cache,
        image_size=args.image_size,
        allow_defects=args.allow_defects,
    )
    return join(command)


def _add_init(making: argparse.ArgumentParser) -> None:
    making.set_defaults(run=init)
    making.add_argument("folder", type=Path, metavar="DIR", help="a new folder")
    making.add_argument(
        "--host", action="append", required=True, help="a name or address of the server; repeatable"
    )
    making.add_argument(
        "--client", action="append", default=[], help="make a key pair for it; repeatable"
    )
    making.add_argument("--days", type=float, default=_DAYS, help="how long certificates hold")


def _add_serve(serving: argparse.ArgumentParser) -> None:
    serving.set_defaults(run=serve)
    serving.add_argument("folder", type=Path, metavar="DIR", help="what `init` has written")
    serving.add_argument("--listen", default="0.0.0.0", help="the address to listen on")
    serving.add_argument("--port", type=int, default=_PORT)


def _add_join(joining: argparse.ArgumentParser) -> None:
    joining.set_defaults(run=join)
    joining.add_argument("--server", required=True, metavar="HOST:PORT")
    joining.add_argument("--ca", type=Path, required=True, help="the federation's ca.crt")
    joining.add_argument("--key", type=Path, required=True, help="this node's private key")
    joining.add_argument("--client", required=True, help="this client's name in the configuration")
    joining.add_argument("--dataset", type=Path, required=True, help="the dataset; it stays here")
    joining.add_argument("--start", type=Path, required=True, help="a copy of the base checkpoint")
    joining.add_argument("--image-size", type=int, default=_IMAGE_SIZE, help="`policy.image_size`")
    joining.add_argument(
        "--cache", type=Path, help="where frames go; by default beside the dataset"
    )
    joining.add_argument("--port", type=int, help="a port for this machine; by default a free one")
    joining.add_argument("--allow-defects", action="store_true", help="join in spite of defects")
