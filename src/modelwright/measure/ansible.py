"""Ansible against other YAML, by a rule on the text and the path, without a YAML parser (templates break parsers).

The patterns begin with the end of the line before instead of `^`, which lets `re` jump from line to line: so a text
gets a line break in front.
"""

from __future__ import annotations

import functools
import itertools
import re

READ_BYTES = 20_000
_COLUMNS = 16
"""Keys of items further right are read one item after another."""

_PATH = re.compile(r"(?:^|/)(?:roles/[^/]+/(?:tasks|handlers)/|playbooks/(?!.*(?:vars|files|templates)/))")
_VARIABLES = re.compile(r"(?:^|/)(?:group_vars|host_vars|roles/[^/]+/(?:vars|defaults|meta))/")
_TOP_LEVEL_KEY = re.compile(rb"\n[A-Za-z_][\w.-]*[ \t]*:(?:[ \t]|$)", re.M)
_ANY_TOP_LEVEL_KEY = re.compile(rb"\n([A-Za-z_\"'][\w.\"'-]*)[ \t]*:(?:[ \t]|$)", re.M)
_ITEM = re.compile(rb"\n-[ \t]")
_NAME = rb"[\"']?([\w.-]+)[\"']?[ \t]*:(?:[ \t]+(.*)|$)"
_KEY = re.compile(rb"\n([ \t]*)" + _NAME, re.M)
_ITEM_KEY = re.compile(rb"\n-([ \t]+)" + _NAME, re.M)
_STRONG = frozenset(
    b"import_playbook include_tasks import_tasks import_role include_role gather_facts "
    b"ansible.builtin.include_tasks "
    b"ansible.builtin.import_tasks ansible.builtin.import_playbook".split()
)
_PLAY = frozenset(
    b"tasks roles become become_user gather_facts vars vars_files vars_prompt pre_tasks post_tasks handlers user "
    b"remote_user connection serial sudo strategy any_errors_fatal environment collections port "
    b"max_fail_percentage".split()
)
_WORDS = frozenset(
    b"name when tags vars args environment listen retries delay no_log connection port always debugger throttle "
    b"timeout collections module_defaults action".split()
)
"""Keys of a task that other lists have too."""
_TASK_WORDS = frozenset(
    b"loop loop_control with_items with_dict with_fileglob with_nested with_first_found with_sequence with_together "
    b"with_subelements with_indexed_items with_lines register notify become become_user become_method become_flags "
    b"delegate_to delegate_facts changed_when failed_when ignore_errors ignore_unreachable until run_once check_mode "
    b"local_action block rescue sudo sudo_user remote_user async poll any_errors_fatal first_available_file diff "
    b"only_if".split()
)
"""Keys of a task that hardly any other list has."""
_FREE = frozenset(b"command shell raw script include".split())
"""Modules that take a line of text as it is."""
_MODULES = frozenset(
    b"yum apt dnf pip package template copy file service systemd shell command raw script user group lineinfile "
    b"blockinfile replace get_url uri unarchive git cron mount sysctl set_fact debug assert fail stat find fetch "
    b"wait_for include_vars add_host authorized_key firewalld iptables seboolean selinux mysql_db mysql_user "
    b"postgresql_db postgresql_user docker_container docker_image ec2 s3 synchronize hostname setup ping rpm_key "
    b"yum_repository apt_repository apt_key htpasswd nagios win_feature win_package".split()
)
_KEYWORDS = _WORDS | _TASK_WORDS
_SKIPPED_LINE = re.compile(rb"\n(?:[ \t]*#.*|---.*|\.\.\.[ \t]*$|%YAML.*)", re.M)
_AT_THE_MARGIN = re.compile(rb"\n\S")
_INDENT = re.compile(rb"\n([ \t]*)\S")
_ARGUMENT = re.compile(rb"\w=\S")


def has_role_path(path: str | None) -> bool:
    """Whether the path is where Ansible keeps tasks, handlers and playbooks."""
    return bool(path and _PATH.search(path))


def has_variables_path(path: str | None) -> bool:
    """Whether the path is where Ansible keeps variables, defaults and metadata, which content cannot tell."""
    return bool(path and _VARIABLES.search(path))


def _lines(text: bytes) -> bytes:
    """The text behind a line break, without comments and marks of documents, moved left by its least indentation."""
    lines = _SKIPPED_LINE.sub(b"\n", b"\n" + text[:READ_BYTES].replace(b"\r\n", b"\n"))
    if _AT_THE_MARGIN.search(lines):
        return lines
    indents = [len(found.group(1)) for found in _INDENT.finditer(lines)]
    if indents and (least := min(indents)):
        lines = re.sub(rb"\n[ \t]{%d}" % least, b"\n", lines)
    return lines


def top_level_keys(lines: bytes) -> frozenset[bytes]:
    """Keys at the top level of a mapping in YAML, of a text behind a line break."""
    return frozenset(_ANY_TOP_LEVEL_KEY.findall(lines))


@functools.cache
def _keys_at(column: int) -> re.Pattern[bytes]:
    """Keys at a column, and whether the line begins an item."""
    return re.compile(rb"\n(?:(-)[ \t]{%d}|[ \t]{%d})" % (column - 1, column) + _NAME, re.M)


def _items(lines: bytes) -> list[dict[bytes, bytes]]:
    """The mappings of a list at the top level: their own keys with what follows on the line."""
    first = _ITEM.search(lines)
    if first is None:
        return []
    key = _ITEM_KEY.match(lines, first.start())
    column = len(key.group(1)) + 1 if key else READ_BYTES
    if column <= _COLUMNS:
        items: list[dict[bytes, bytes]] = []
        for begins, name, value in _keys_at(column).findall(lines, first.start()):
            if begins:
                items.append({})
            items[-1].setdefault(name, value.strip())
        if len(items) == lines.count(b"\n- ") + lines.count(b"\n-\t"):  # each begins with a key at that column
            return items
    starts = [found.start() for found in _ITEM.finditer(lines)]
    return [_item(lines[start + 2 : end]) for start, end in itertools.pairwise([*starts, len(lines)])]


def _item(content: bytes) -> dict[bytes, bytes]:
    """The keys of one item, behind its dash."""
    if content.lstrip().startswith(b"{"):
        content = content.replace(b"{", b" ", 1)
    column = None
    keys: dict[bytes, bytes] = {}
    for key in _KEY.finditer(b"\n " + content):
        column = len(key.group(1)) if column is None else column
        if len(key.group(1)) == column:
            keys.setdefault(key.group(2), (key.group(3) or b"").strip())
    return keys


def _is_module(name: bytes, value: bytes) -> bool:
    """A known module or a dotted name, with its arguments below it or as `key=value`."""
    known = name in _MODULES or (name.count(b".") >= 2 and name.islower())
    return known and (not value or b"=" in value or value[:1] in b"{>|" or b"{{" in value)


def _evidence(keys: dict[bytes, bytes]) -> int:
    """2: only a task has this, 1: may be a task, 0: says nothing, -1: no task has this."""
    others = [key for key in keys if key not in _KEYWORDS and not key.startswith(b"with_")]
    words = [key for key in keys if key in _TASK_WORDS or key.startswith(b"with_")]
    modules = any(_is_module(key, keys[key]) for key in others)
    if len(others) > 1 and not (modules and words):
        return -1
    if modules or b"block" in keys or b"local_action" in keys:
        return 2
    if not others:
        return 2 if len(words) > 1 and b"action" in keys else 0
    value = keys[others[0]]
    if others[0] in _FREE and value:
        return 2 if words or b"args" in keys or b"{{" in value or _ARGUMENT.search(value) else 1
    if words and (not value or b"=" in value):
        return 2  # a module that is not in the list
    return -1


def is_ansible(text: bytes, path: str | None = None) -> bool:
    """True for an Ansible playbook or task file.

    A mapping at the top (Kubernetes, Actions, variables) is not Ansible; a list of mappings is when an item has a key
    that only Ansible has, or is a module with arguments beside nothing but keywords of tasks, and few items are not.
    """
    lines = _lines(text)
    if _TOP_LEVEL_KEY.search(lines):
        return False
    items = _items(lines)
    if not any(items):
        return False
    prefixed = b"ansible.builtin." in lines
    for keys in items:
        if not _STRONG.isdisjoint(keys) or (b"hosts" in keys and not _PLAY.isdisjoint(keys)):
            return True
        if prefixed and any(key.startswith(b"ansible.builtin.") for key in keys):
            return True
    evidence = [_evidence(keys) for keys in items]
    if has_role_path(path) and not has_variables_path(path):
        return max(evidence) > 0
    return 2 in evidence and 3 * evidence.count(-1) <= len(evidence)
