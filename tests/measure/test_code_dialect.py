"""Dialects: what a configuration file is for."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.measure.code_dialect import dialect
from modelwright.measure.code_language import identify
from modelwright.measure.spans import texts_of

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n"
CASES = [
    ("site.yml", "- hosts: web\n  roles:\n    - common\n", "ansible:playbook"),
    ("main.yml", "- name: a\n  apt: name=b\n  notify: c\n", "ansible:tasks"),
    ("roles/web/defaults/main.yml", "http_port: 80\n", "ansible:variables"),
    ("group_vars/all.yml", "http_port: 80\n", "ansible:variables"),
    ("pod.yaml", POD, "kubernetes"),
    ("list.yaml", "---\n" + POD + "---\n" + POD, "kubernetes"),
    ("pod.yaml", POD.replace("web", "{{ .Release.Name }}"), "helm"),
    (".github/workflows/ci.yml", "on: push\njobs:\n  a:\n    runs-on: x\n", "github-workflow"),
    ("ci.yml", "name: x\non:\n  push:\njobs:\n  a:\n    runs-on: x\n", "github-workflow"),
    ("action.yml", "name: x\nruns:\n  using: composite\n", "github-action"),
    (".gitlab-ci.yml", "build:\n  script: make\n", "gitlab-ci"),
    ("x.yml", "stages:\n  - a\nb:\n  stage: a\n  script: make\n", "gitlab-ci"),
    ("docker-compose.yml", "services:\n  web:\n    image: nginx\n", "docker-compose"),
    ("api.yaml", "openapi: 3.0.0\ninfo:\n  title: x\npaths: {}\n", "openapi"),
    (".pre-commit-config.yaml", "repos:\n  - repo: a\n    hooks:\n      - id: b\n", "pre-commit"),
    (".pre-commit-hooks.yaml", "- id: a\n  name: a\n  entry: a\n  language: python\n", "pre-commit"),
    ("nginx.yml", "nginx:\n  pkg.installed: []\n  service.running:\n    - enable: True\n", "salt"),
    ("stack.yaml", "Resources:\n  A:\n    Type: AWS::S3::Bucket\n", "cloudformation"),
    ("main.tf", 'resource "a" "b" {}\n', "terraform"),
    ("package.json", '{\n  "name": "a",\n  "scripts": {}\n}\n', "package"),
    ("config.yml", "debug: true\n", None),
    ("main.py", "import os\n", None),
]


@pytest.mark.parametrize(("path", "text", "expected"), CASES)
def test_a_file_is_known_by_its_marks_or_its_path(path, text, expected):
    assert identify(texts_of(pa.array([text], pa.large_string())), [path])[0].dialect == expected


@given(st.binary(max_size=300), st.sampled_from(["yaml", "json", "ansible", "terraform", "python", None]))
def test_any_bytes_have_a_dialect_or_none(text, language):
    assert dialect(text, language, None) is None or isinstance(dialect(text, language, "a/b.yml"), str)
