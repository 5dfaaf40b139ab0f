"""Marks in source code that tell languages apart: patterns over the head of a text.

A pattern is a list of alternatives, of which those at the beginning of a line are searched from one line break to the
next: `re` leaps to a literal byte, and tries `^` at every place.
"""

from __future__ import annotations

import functools
import re

MARKS = {
    "apex": rb"(?i)^[ \t]*trigger\s+\w+\s+on\b|^[ \t]*(?:@istest|(?:global|public|private)\s[\w ]*class)\b",
    "bitbake": rb"^(?:inherit \w|SRC_URI|DESCRIPTION\s*=|LICENSE\s*=)",
    "forth": rb"^(?:: \S|\\ )",
    "glsl": rb"^[ \t]*(?:#version\s\d|uniform\s|varying\s|precision\s)|\bgl_(?:Position|Frag|Vertex)",
    "json": rb"\A\s*[\[{]",
    "matlab": rb"^[ \t]*%|^[ \t]*function\b",
    "objective-c": rb"^[ \t]*(?:@(?:interface|implementation|protocol|property|class|end)\b|#import\s)",
    "c++": rb"^[ \t]*(?:template\s*<|namespace\s+[\w:]*\s*\{|class\s+\w+[^;\n]*$)"
    rb"|^[ \t]*(?:using\s+(?:namespace|\w+\s*=)|(?:public|private|protected):)"
    rb"|\bstd::|^[ \t]*#\s*include\s*<[a-z_]+>",
    "opencl": rb"\b__?kernel\b|\b__global\b",
    "pascal": rb"(?i)^[ \t]*(?:unit|program|library)\s+\w+;|^[ \t]*(?:uses|implementation|procedure)\b|\{\$\w+",
    "php": rb"<\?(?:php|=|\s)",
    "plpgsql": rb"(?i)\blanguage\s+'?plpgsql",
    "plsql": rb"(?i)\b(?:varchar2|pragma\s+\w+;|dbms_output|create\s+or\s+replace\s+(?:package|type))"
    rb"|(?i:%rowtype|%type\b)",
    "prolog": rb"^[ \t]*:-|^[a-z]\w*\(.*\)\s*:-",
    "puppet": rb"^[ \t]*(?:class|define|node)\s[^;\n]*\{|^[ \t]*\w+\s*=>\s*['\"$]",
    "raku": rb"^[ \t]*(?:use v6|unit (?:module|class)|my (?:class|role)\b)",
    "reason": rb"^[ \t]*(?:let\s+\w+\s*=\s*\(?.*=>|module\s+\w+\s*=\s*\{)",
    "smalltalk": rb"![\w\s]+methodsFor:",
    "standard ml": rb"^[ \t]*(?:structure|signature|functor)\s+\w+|^[ \t]*fun\s+\w+.*=",
    "tex": rb"^[ \t]*\\(?:documentclass|usepackage|newcommand|NeedsTeXFormat|ProvidesClass|contentsline|begin)\b",
    "vba": rb"^(?:VERSION \d|Attribute VB_|\s*(?:Public|Private)?\s*Sub\s)",
    "xml": rb"\A(?:\xef\xbb\xbf)?\s*<[?!a-zA-Z]",
}
"""What settles a shared extension: marks that only this one of its languages has."""

MARKS_ALONE = {
    "apex": rb"(?i)\bwith(?:out)? sharing class\b|@istest\b|\[\s*select\s[^\]]{3,200}\sfrom\s|\w__c\b"
    rb"|^[ \t]*trigger\s+\w+\s+on\s",
    "assembly": rb"(?im)^[ \t]*(?:section\s+\.|\.(?:text|globl|global)\b|mov[lqwb]?\s+[%\w]+\s*,|%macro\s)",
    "c++": rb"^[ \t]*(?:#\s*include\s*<(?:iostream|vector|string|map|memory|algorithm|c[a-z]+)>|using namespace \w"
    rb"|template\s*<|namespace\s+\w*\s*\{|class\s+\w+\s*(?:final\s*)?(?::\s*(?:public|private)|\{))|\bstd::\w",
    "c": rb"^[ \t]*#\s*include\s*[<\"][\w/.-]+\.h[>\"]|^[ \t]*typedef\s+struct\b",
    "clojure": rb"^\((?:ns|defn-?|defproject|deftest)\s",
    "cobol": rb"(?i)^.{0,7}\s*(?:identification|procedure|data|environment)\s+division\b",
    "crystal": rb"^[ \t]*(?:property|getter|lib|fun|struct)\s\w+.*:\s*[A-Z]\w+|should eq\(",
    "c#": rb"^[ \t]*using\s+(?:System|Microsoft)[\w.]*;|^[ \t]*namespace\s+[\w.]+\s*[{;]?\s*$",
    "dart": rb"^[ \t]*(?:import|part|library)\s+'?(?:dart|package):|@override\s*\n",
    "elixir": rb"^[ \t]*(?:defmodule|defp?|defmacro)\s[\w.!?]+.*\bdo\b",
    "emacs lisp": rb"-\*-.*emacs-lisp.*-\*-|\((?:interactive|defcustom|defgroup|add-hook|setq-default)[\s)]",
    "erlang": rb"^-(?:module|export|include|behaviou?r|record|define)\s*\(",
    "f#": rb"^[ \t]*\[<\w+|^[ \t]*let\s+(?:inline\s|rec\s|mutable\s|``).*=|^open\s+System\b",
    "fortran": rb"(?i)^[ \t]*(?:implicit\s+none|end\s+(?:program|subroutine|module)\b)",
    "glsl": rb"^[ \t]*(?:#version\s\d|uniform\s|varying\s|precision\s)"
    rb"|\bgl_(?:Position|Frag|Vertex)|\bvec[234]\s*\(",
    "go": rb"^package\s+\w+\s*$|^func\s+(?:\([^)]*\)\s*)?\w+\([^)]*\).*\{$",
    "haskell": rb"^module\s+[\w.]+.*\bwhere\b|^import\s+(?:qualified\s)?[A-Z][\w.]+|^\w+'?\s+::\s",
    "html": rb"(?i)\A\s*<(?:!doctype html|html|head|body|div)\b|</(?:div|p|body|html)>",
    "java": rb"^package\s+[\w.]+;|^import\s+(?:static\s+)?(?:java"
    rb"|javax|org|com)\.[\w.*]+;|\bpublic static void main\b",
    "json": rb"\A\s*[\[{]\s*(?:[\"\[{\]}\d-])(?!.*;\s*$)",
    "julia": rb"^[ \t]*(?:function\s+[\w.!]+\([^)]*::|using\s+[A-Z]\w+|@testset\b|abstract type\b)"
    rb"|\bwhere\s*\{?T\b",
    "kotlin": rb"^[ \t]*(?:data class|fun\s+[\w.<`]|companion object|val\s\w+\s*=\s)",
    "lua": rb"^[ \t]*local\s+(?:function\s|\w+\s*=)|^[ \t]*function\s+[\w.:]+\([^)]*\)\s*$",
    "makefile": rb"^\.PHONY\s*:|^[\w./%$()-]+\s*:(?!=)[^\n=]*\n\t\S|^\w+\s*[:+?]=\s.*\$\(",
    "nim": rb"^[ \t]*(?:proc|func|template|iterator)\s+`?[\w$=]+`?\*?\s*(?:\[|\().*=\s*$|\{\.\w+.*\.\}",
    "objective-c": rb"^[ \t]*(?:@(?:interface|implementation|protocol|property"
    rb"|class|synthesize)\b|#import\s)|\[\[\w+ alloc\]",
    "ocaml": rb"^[ \t]*let\s+(?:rec\s+)?[\w']+.*=\s*(?:function|fun|match|let)?\s*$|^[ \t]*open\s+[A-Z]\w*\s*;?;?$",
    "pascal": rb"(?i)^[ \t]*(?:unit|program|library)\s+\w+;|^[ \t]*(?:interface|implementation|uses)\s*$",
    "perl": rb"^[ \t]*use\s+(?:strict|warnings|v?5)|^[ \t]*(?:my|our)\s*[($@%]|^=(?:head1|cut|pod)\b",
    "php": rb"<\?(?:php|=)",
    "plsql": rb"(?i)\bcreate\s+or\s+replace\s+(?:editionable\s+)?(?:package|type|procedure|trigger|function)\b"
    rb"|\bvarchar2\b|\bdbms_output\b",
    "powershell": rb"(?i)^[ \t]*(?:function\s+[a-z]+-\w+|\[cmdletbinding|param\s*\()|\$\w+\s*=\s*(?:get|new)-\w+",
    "prolog": rb"^:-\s|^[a-z]\w*\([^\n]*\)\s*:-\s*$",
    "python": rb"^(?:from\s+[\w.]+\s+import\s|import\s+\w+(?:\.\w+)*\s*$|\s*def\s+\w+\(.*\).*:\s*(?:#.*)?$"
    rb"|class\s+\w+(?:\(.*\))?:\s*$)",
    "r": rb"^[ \t]*[\w.]+\s*<-\s*(?:function\s*\(|c\()|^library\(",
    "rpgle": rb"(?i)^[ \t]*\*\*free|^[ \t]*dcl-[a-z]+\s|^\s{5}[hfdcp]\s.{10,}",
    "ruby": rb"^[ \t]*(?:require(?:_relative)?\s+['\"]|module\s+[A-Z]|attr_(?:accessor|reader)\s|def\s+self\.)"
    rb"|\bdo\s*\|\w|^[ \t]*def\s+\w+[?!]?\s*$",
    "rust": rb"^[ \t]*(?:pub\s+)?(?:fn\s+\w+.*(?:->|\{)|use\s+(?:std|crate|super)::|impl(?:<|\s)|mod\s+\w+\s*[;{])",
    "scala": rb"^[ \t]*(?:case\s+class|object\s+\w+|sealed\s+trait|import\s+scala\.)",
    "shell": rb"^[ \t]*(?:if\s+\[|elif\s+\[|fi\s*$|esac\s*$|done\s*$|export\s+\w+=|\w+\(\)\s*\{)",
    "sql": rb"(?i)^[ \t]*(?:create\s+(?:table|view|database|index)"
    rb"|insert\s+into|select\s+.*\bfrom|alter\s+table|drop\s+table)\b",
    "starlark": rb"^load\(|^\w+\(\n\s+name\s*=\s*[\"']",
    "swift": rb"^[ \t]*(?:import\s+(?:Foundation|UIKit|XCTest|SwiftUI)"
    rb"|func\s+\w+.*->\s|guard\s+let|@\w+\s+func|extension\s+\w+)",
    "tcl": rb"^[ \t]*(?:proc\s+\S+\s+\{|package\s+require\s|namespace\s+eval\s)",
    "tex": rb"\\(?:documentclass|usepackage|newcommand|NeedsTeXFormat|ProvidesClass|contentsline|begin)\b",
    "typescript": rb"^[ \t]*(?:export\s+)?(?:interface|type|enum|declare|namespace"
    rb"|abstract class)\s+\w+|\w\??:\s*(?:string|number|boolean|any|void)\b",
    "vim script": rb"^[ \t]*(?:let\s+[gslb]:|function!|autocmd\b|nnoremap\b"
    rb"|syn(?:tax)?\s+(?:match|region|keyword)|hi(?:ghlight)?\s+(?:def|link))",
    "xml": rb"\A(?:\xef\xbb\xbf)?\s*<(?:\?xml|!--|[A-Za-z][\w:.-]*\s[^>]*xmlns)",
    "yaml": rb"\A(?:%YAML|---\s)",
    "zig": rb"@import\(\"|^[ \t]*(?:pub\s+)?const\s+\w+\s*=\s*(?:struct|enum|union)",
}
"""What settles an uncertain guess by text alone: marks that are frequent in one language and rare in the others."""

_FLAGS = re.compile(rb"\(\?([im]+)\)")
_PIECE = re.compile(rb"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[(|)]|[^\\\[(|)]+", re.S)


def has_mark(pattern: bytes, text: bytes) -> bool:
    """Whether a text matches one of the patterns above (multi-line)."""
    begin, line, anywhere = _forms(pattern)
    if begin is not None and begin.match(text):
        return True
    if line is not None and line.search(b"\n" + text):
        return True
    return anywhere is not None and anywhere.search(text) is not None


@functools.cache
def _forms(pattern: bytes) -> tuple[re.Pattern[bytes] | None, ...]:
    """The alternatives that stand at the beginning of the text, those at the beginning of a line, and the others."""
    stated = _FLAGS.match(pattern)
    flags = re.M | (re.I if stated and b"i" in stated.group(1) else 0)
    forms: dict[bytes, list[bytes]] = {rb"\A": [], b"^": [], b"": []}
    for one in _alternatives(pattern[stated.end() if stated else 0 :]):
        begin = next(begin for begin in forms if one.startswith(begin))
        forms[begin].append(one[len(begin) :])
    leads = {rb"\A": b"", b"^": rb"\n", b"": b""}
    return tuple(
        re.compile(leads[begin] + b"(?:" + b"|".join(some) + b")", flags) if some else None
        for begin, some in forms.items()
    )


def _alternatives(pattern: bytes) -> list[bytes]:
    """What stands between the bars of a pattern that no bracket holds."""
    found, depth = [b""], 0
    for piece in _PIECE.findall(pattern):
        depth += (piece == b"(") - (piece == b")")
        if piece == b"|" and depth == 0:
            found.append(b"")
        else:
            found[-1] += piece
    return found
