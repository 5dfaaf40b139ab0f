"""What a configuration file is for: Ansible playbooks and tasks, Kubernetes, workflows, compose files, Terraform ...

By marks at the top level of the text and by the path, without a parser: templates break parsers. `code_language` stays
the language (yaml, json, ansible, terraform ...); the dialect says more, where there is more to say.
"""

from __future__ import annotations

import re

from modelwright.measure.ansible import has_role_path, has_variables_path, top_level_keys

READ_BYTES = 20_000
DIALECTS = frozenset({"yaml", "json", "ansible", "terraform"})

_JOB = re.compile(rb"\n[ \t]+(?:script|stage|extends|image|needs|trigger|before_script):", re.M)
_PLAY = re.compile(rb"\n[ \t-]*(?:hosts|import_playbook|ansible\.builtin\.import_playbook)[ \t]*:", re.M)
_ITEM_KEY = re.compile(rb"\n(?:-[ \t]+|[ \t]{2,4})([\w.-]+)[ \t]*:", re.M)
_TEMPLATE = re.compile(rb"\{\{-?[ \t]*(?:\.(?:Values|Release|Chart)|include|template|if|range|with|end)\b")
_SALT = re.compile(rb"\n[ \t]+(?:-[ \t]*)?(?:pkg|file|service|cmd|user|group|git|sysctl|cron)\.[a-z_]+:?[ \t]*$", re.M)
_SERVICE = re.compile(rb"\n[ \t]+(?:image|build|ports|volumes|environment|depends_on|command):", re.M)
_CLOUDFORMATION = re.compile(rb"\n[ \t]+\"?Type\"?:[ \t]*[\"']?(?:AWS|Alexa|Custom)::", re.M)
_JSON_KEY = re.compile(rb"\n(?:  |\t|    )\"([^\"]+)\"[ \t]*:", re.M)
_ACTION = re.compile(rb"\n[ \t]+using:")
_HOOKS = re.compile(rb"\n[ \t]+(?:-[ \t]*)?hooks:")
_WORKFLOW_PATH = re.compile(r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$")
_COMPOSE_PATH = re.compile(r"compose[^/]*\.ya?ml$")
_GITLAB_PATH = re.compile(r"\.gitlab-ci(?:\.[\w-]+)?\.ya?ml$")


def dialect(text: bytes, language: str | None, path: str | None) -> str | None:
    """The dialect of a text in `language` (as `code_language` names it), or None.

    Ansible: `ansible:playbook`, `ansible:tasks`, `ansible:variables` (by the path alone). YAML: `kubernetes`, `helm`,
    `github-workflow`, `github-action`, `gitlab-ci`, `docker-compose`, `openapi`, `pre-commit`, `salt`,
    `cloudformation`. JSON: `openapi`, `kubernetes`, `cloudformation`, `notebook`, `package`. Terraform: `terraform`.
    """
    name = (path or "").replace("\\", "/")
    head = b"\n" + text[:READ_BYTES].replace(b"\r\n", b"\n")  # a line break, as `ansible` wants it
    if language == "ansible":
        return "ansible:playbook" if _PLAY.search(head) else "ansible:tasks"
    if language == "terraform":
        return "terraform"
    if language == "json":
        return _json(head)
    if language != "yaml":
        return None
    return _yaml(head, name)


def _json(head: bytes) -> str | None:
    keys = set(_JSON_KEY.findall(head))
    if keys & {b"openapi", b"swagger"}:
        return "openapi"
    if {b"apiVersion", b"kind"} <= keys:
        return "kubernetes"
    if b"AWSTemplateFormatVersion" in keys or (b"Resources" in keys and b"AWS::" in head):
        return "cloudformation"
    if {b"cells", b"nbformat"} <= keys:
        return "notebook"
    return "package" if b"name" in keys and keys & {b"dependencies", b"devDependencies", b"scripts"} else None


def _yaml(head: bytes, path: str) -> str | None:
    keys = top_level_keys(head)
    items = frozenset() if keys else frozenset(_ITEM_KEY.findall(head))
    if {b"apiVersion", b"kind"} <= keys or {b"apiVersion", b"kind"} <= items:
        return "helm" if _TEMPLATE.search(head) else "kubernetes"
    if keys & {b"openapi", b"swagger"} and keys & {b"info", b"paths"}:
        return "openapi"
    if _WORKFLOW_PATH.search(path) or (b"jobs" in keys and keys & {b"on", b'"on"', b"'on'", b"true"}):
        return "github-workflow"
    if b"runs" in keys and _ACTION.search(head):
        return "github-action"
    if b"services" in keys and (_COMPOSE_PATH.search(path) or _SERVICE.search(head)):
        return "docker-compose"
    if b"AWSTemplateFormatVersion" in keys or (b"Resources" in keys and _CLOUDFORMATION.search(head)):
        return "cloudformation"
    if _GITLAB_PATH.search(path) or _is_gitlab(head, keys):
        return "gitlab-ci"
    if (b"repos" in keys and _HOOKS.search(head)) or {b"repo", b"hooks"} <= items:
        return "pre-commit"
    if {b"id", b"entry", b"language"} <= items:
        return "pre-commit"
    if has_variables_path(path):
        return "ansible:variables"
    if _SALT.search(head) and not has_role_path(path):
        return "salt"
    return "helm" if _TEMPLATE.search(head) else None


def _is_gitlab(head: bytes, keys: frozenset[bytes]) -> bool:
    """`stages:` with jobs that have a script, or jobs whose `script` and `stage` stand side by side."""
    marks = {found.strip().rstrip(b":") for found in _JOB.findall(head)}
    return (b"stages" in keys and bool(marks)) or {b"script", b"stage"} <= marks
