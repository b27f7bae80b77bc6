"""Names of commands: ours, and the long forms that docker has for them.

In:  words of a command line.
Out: the name of a command here, and the module that has it.
"""

from __future__ import annotations

from collections.abc import Sequence

COMMANDS = {
    "build": ("build", "Build an image from a Dockerfile."),
    "run": ("run", "Run a command in a new container of an image."),
    "ps": ("containers", "List containers."),
    "logs": ("logs", "Show what a container has written."),
    "exec": ("exec", "Run a command in a container that runs."),
    "attach": ("attach", "Show what a container writes, and give it what is typed."),
    "cp": ("cp", "Copy files out of a container, or into one."),
    "stop": ("containers", "Ask containers to end."),
    "kill": ("containers", "Send a signal to the programs of containers."),
    "wait": ("containers", "Wait until containers have ended."),
    "start": ("containers", "Start containers that have ended."),
    "rm": ("containers", "Remove containers."),
    "executor": ("executor", "Build and push an image with kaniko's flags."),
    "images": ("images", "List the images of the local store."),
    "tag": ("images", "Give an image another name."),
    "rmi": ("images", "Remove names and images from the local store."),
    "inspect": ("inspect", "Show all facts of containers and images as JSON."),
    "history": ("images", "Show how an image was made."),
    "ls-files": ("files", "List the files of an image, here or in a registry."),
    "cat": ("files", "Print files of an image, here or in a registry."),
    "export": ("files", "Write the files of a container or an image as a tar archive."),
    "diff": ("diff", "Show what is different between two images."),
    "provenance": ("provenance", "Show which line and stage made the paths of an image."),
    "sbom": ("sbom", "List the packages of an image, or of a stage of its build."),
    "sign": ("verify", "Sign an image of a registry."),
    "verify": ("verify", "Check signatures of an image, and what is said of it."),
    "report": ("report", "Show what an image ships, and what its build left behind."),
    "save": ("transfer", "Write images to a tar archive."),
    "load": ("transfer", "Read images from an archive or a layout."),
    "pull": ("transfer", "Download an image from a registry."),
    "push": ("transfer", "Upload an image to a registry."),
    "copy": ("copy", "Copy an image between registries, layouts, archives and the store."),
    "merge": ("merge", "Make one image for several platforms of images in a registry."),
    "login": ("account", "Keep credentials of a registry."),
    "logout": ("account", "Forget credentials of a registry."),
    "why": ("why", "Say why the steps of a build ran."),
    "check": ("check", "Check a Dockerfile without building it."),
    "prune": ("prune", "Remove what no image and no tag needs."),
    "du": ("disk", "Show what the store holds and how much of it can go."),
    "fsck": ("disk", "Check the store, and repair it if asked to."),
    "doctor": ("host", "Show what this host allows and what is missing."),
    "info": ("host", "Show facts of the store and of this host."),
    "version": ("host", "Show the version."),
    "completion": ("completion", "Print a script that completes command lines in a shell."),
    "help": ("completion", "Show the help of a command."),
    "debug": ("debug", "Look inside: failed steps, syntax trees and the like."),
}
"""Subcommand to the module of ``cli`` that has it, and what it does in a line."""

INNER = {
    "image inspect": ("inspect", "Show all facts of images as JSON."),
    "container inspect": ("inspect", "Show all facts of containers as JSON."),
    "container prune": ("containers", "Remove containers that do not run."),
    "image prune": ("prune", "Remove images that nothing uses."),
    "builder prune": ("prune", "Remove the build cache."),
    "system prune": ("prune", "Remove containers, images and build cache that nothing uses."),
    "system df": ("disk", "Show how much of the disk images and build cache take."),
    "buildx du": ("disk", "Show the build cache."),
    "manifest inspect": ("manifest", "Show the manifest of an image, here or in a registry."),
    "manifest create": ("manifest_lists", "Make a list of images for several platforms."),
    "manifest add": ("manifest_lists", "Add images to a list."),
    "manifest annotate": ("manifest_lists", "Say what an image of a list is for."),
    "manifest remove": ("manifest_lists", "Take an image out of a list."),
    "manifest push": ("manifest_lists", "Write a list with its images to a registry."),
    "manifest rm": ("manifest_lists", "Remove lists."),
    "manifest exists": ("manifest_lists", "Tell by the status whether there is a list."),
}
"""Commands of groups that are none by themselves."""

GROUPS = {
    "image": {
        "ls": "images",
        "rm": "rmi",
        "tag": "tag",
        "inspect": "image inspect",
        "history": "history",
        "save": "save",
        "load": "load",
        "pull": "pull",
        "push": "push",
        "build": "build",
        "prune": "image prune",
    },
    "buildx": {
        "build": "build",
        "b": "build",
        "du": "buildx du",
        "prune": "builder prune",
        "version": "version",
        "inspect": "doctor",
    },
    "builder": {"build": "build", "prune": "builder prune"},
    "container": {
        "run": "run",
        "ls": "ps",
        "logs": "logs",
        "exec": "exec",
        "attach": "attach",
        "cp": "cp",
        "export": "export",
        "stop": "stop",
        "kill": "kill",
        "wait": "wait",
        "start": "start",
        "rm": "rm",
        "inspect": "container inspect",
        "prune": "container prune",
    },
    "manifest": {
        "inspect": "manifest inspect",
        "create": "manifest create",
        "add": "manifest add",
        "annotate": "manifest annotate",
        "remove": "manifest remove",
        "push": "manifest push",
        "rm": "manifest rm",
        "exists": "manifest exists",
    },
    "system": {"df": "system df", "prune": "system prune", "info": "info"},
}
"""Docker's long forms: group, its subcommand, ours."""

SYNONYMS = {
    ("container", "list"): "ps",
    ("container", "ps"): "ps",
    ("container", "remove"): "rm",
    ("image", "list"): "images",
    ("image", "remove"): "rmi",
    ("buildx", "disk-usage"): "buildx du",
    ("jettison", "blame"): "provenance",
}
"""Other names that docker knows: group and name to ours; help does not list them."""


def canonical(words: Sequence[str]) -> str | None:
    """Return the name here of a command as written; None if there is none.

    >>> canonical(["image", "ls"]), canonical(["buildx", "prune"]), canonical([])
    ('images', 'builder prune', '')
    """
    first, second = (*words, "", "")[:2]
    if first in GROUPS:
        return GROUPS[first].get(second) or SYNONYMS.get((first, second))
    known = first in COMMANDS or not first
    return first if known else SYNONYMS.get(("jettison", first))
