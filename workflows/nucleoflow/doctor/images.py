"""Whether the images can be pulled, or are on the nodes already."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nucleoflow.doctor.cluster import ApiRefused, Cluster
from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned
from nucleoflow.doctor.registry import Reference, look_up
from nucleoflow.profile.kinds import IMAGE_OF_KIND
from nucleoflow.profile.model import Images


def images(subject: Examination) -> Iterable[Finding]:
    """Whether each image is in its registry, as far as can be seen from here, or on nodes."""
    loaded = subject.of_profile().images
    held, n_nodes = _held(subject.cluster)
    for image in sorted(set(IMAGE_OF_KIND.values())):
        reference = Reference.parse(loaded.reference(image))
        on_nodes = sum(str(reference) in names for names in held)
        yield _finding(image, reference, loaded, on_nodes, n_nodes, subject.timeout_s)


def _finding(
    image: str, reference: Reference, loaded: Images, on_nodes: int, n_nodes: int, timeout_s: float
) -> Finding:
    held = f"{reference}: on {on_nodes} of {n_nodes} nodes"
    if loaded.pull_policy == "Never":
        if on_nodes:
            return passed(held, image)
        if n_nodes == 0:
            advice = "ask for `list` on nodes, or an administrator whether it is loaded there"
            return warned(f"{reference}: the nodes may not be looked at", advice, image)
        advice = f"load it (kind load docker-image {reference}), or change images.pull_policy"
        return failed(f"{held}, and images.pull_policy is Never", advice, image)
    answer = look_up(reference, timeout_s)
    if answer == "there":
        return passed(f"{reference}: can be pulled", image)
    if on_nodes and loaded.pull_policy == "IfNotPresent":
        return passed(held, image)
    if answer == "missing":
        return failed(
            f"{reference}: the registry does not have it",
            "push it (images/build --push), or correct images.repository, images.tag or"
            " images.variant",
            image,
        )
    if answer == "private":
        if loaded.pull_secrets:
            return warned(
                f"{reference}: the registry wants credentials",
                "nodes pull with images.pull_secrets; the first pod tells whether they do",
                image,
            )
        return warned(
            f"{reference}: the registry wants credentials, or does not have it",
            "name a Secret in images.pull_secrets, unless the nodes have credentials themselves",
            image,
        )
    return warned(
        f"{reference}: could not check from here ({answer}); nodes pull",
        f"if a pod says ErrImagePull: check images.repository and what {reference.registry} says",
        image,
    )


def _held(cluster: Cluster | None) -> tuple[list[set[str]], int]:
    """Return the names of the images on each node; kubelets list their 50 largest."""
    if cluster is None:
        return [], 0
    try:
        nodes = cluster.items("/api/v1/nodes")
    except ApiRefused:
        return [], 0
    held = [
        {
            str(Reference.parse(name))
            for entry in (node.get("status") or {}).get("images") or []
            for name in entry.get("names") or []
            if not re.search(r"<none>", name)
        }
        for node in nodes
    ]
    return held, len(nodes)


CHECKS = (Check("images", images, ("API server",)),)
