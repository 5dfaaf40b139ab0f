"""Ansible against other YAML, by a rule on the text and the path, without a YAML parser (templates break parsers)."""

from __future__ import annotations

import re

READ_BYTES = 20_000

_PATH = re.compile(r"(?:^|/)(?:roles/[^/]+/(?:tasks|handlers)/|playbooks/(?!.*(?:vars|files|templates)/))")
_VARIABLES = re.compile(r"(?:^|/)(?:group_vars|host_vars|roles/[^/]+/(?:vars|defaults|meta))/")
_TOP_LEVEL_KEY = re.compile(rb"^[A-Za-z_][\w.-]*[ \t]*:(?:[ \t]|$)", re.M)
_ITEM = re.compile(rb"^-[ \t]+(?:\{[ \t]*)?[\"']?([\w.]+)[\"']?[ \t]*:", re.M)
_ITEM_LEVEL = re.compile(rb"^(?:-[ \t]+|[ \t]{2,4})[\"']?([\w.]+)[\"']?[ \t]*:", re.M)
_STRONG = frozenset(
    b"hosts import_playbook include_tasks import_tasks import_role include_role gather_facts "
    b"ansible.builtin.include_tasks "
    b"ansible.builtin.import_tasks ansible.builtin.import_playbook".split()
)
_OPENING = frozenset(b"name include block when debug set_fact tags become register vars meta assert fail pause".split())
_TASK_WORDS = frozenset(
    b"when loop loop_control with_items with_dict with_fileglob with_nested with_first_found with_sequence "
    b"with_together "
    b"register notify become become_user become_method roles tasks handlers pre_tasks post_tasks delegate_to "
    b"changed_when "
    b"failed_when ignore_errors until retries no_log run_once local_action listen rescue always check_mode".split()
)
_MODULES = frozenset(
    b"yum apt dnf pip package template copy file service systemd shell command raw script user group lineinfile "
    b"blockinfile replace get_url uri unarchive git cron mount sysctl set_fact debug assert fail stat find fetch "
    b"wait_for include_vars add_host authorized_key firewalld iptables seboolean selinux mysql_db mysql_user "
    b"postgresql_db postgresql_user docker_container docker_image ec2 s3 synchronize hostname setup ping rpm_key "
    b"yum_repository apt_repository apt_key htpasswd nagios win_feature win_package".split()
)
_SKIPPED_LINE = re.compile(rb"^[ \t]*#.*$|^---.*$|^\.\.\.[ \t]*$|^%YAML.*$", re.M)
_INDENT = re.compile(rb"^([ \t]*)\S", re.M)


def is_ansible(text: bytes, path: str | None = None) -> bool:
    """True for an Ansible playbook or task file.

    A mapping at the top (Kubernetes, Actions, variables) is not Ansible; a list of mappings is when an item has a key
    that only Ansible has, or task keywords and module names beside the usual opening of a task.
    """
    lines = _SKIPPED_LINE.sub(b"", text[:READ_BYTES].replace(b"\r\n", b"\n"))
    indents = [len(found.group(1)) for found in _INDENT.finditer(lines)]
    if indents and (least := min(indents)):
        lines = re.sub(rb"^[ \t]{%d}" % least, b"", lines, flags=re.M)
    if _TOP_LEVEL_KEY.search(lines):
        return False
    items = _ITEM.findall(lines)
    if not items:
        return False
    keys = set(_ITEM_LEVEL.findall(lines))
    if keys & _STRONG or any(key.startswith(b"ansible.builtin.") for key in keys):
        return True
    words = keys & _TASK_WORDS
    modules = {key for key in keys if key in _MODULES or (key.count(b".") >= 2 and key.islower())}
    if set(items) <= _OPENING and (words or modules):
        return True
    if path and _PATH.search(path) and not _VARIABLES.search(path):
        return bool(words or modules)
    return len(words) + len(modules) >= 2
