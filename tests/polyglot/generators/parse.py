"""Parses generated code of languages whose compiler is not at hand: `parse.py LANGUAGE FOLDER`, error on a fault."""

import sys
from collections.abc import Iterator
from pathlib import Path

import tree_sitter_c_sharp
import tree_sitter_kotlin
import tree_sitter_php
import tree_sitter_ruby
from tree_sitter import Language, Node, Parser

GRAMMARS = {
    "csharp": ("cs", tree_sitter_c_sharp.language),
    "kotlin": ("kt", tree_sitter_kotlin.language),
    "php": ("php", tree_sitter_php.language_php),
    "ruby": ("rb", tree_sitter_ruby.language),
}


def faults(node: Node) -> Iterator[Node]:
    """What the grammar had to skip or to make up."""
    if node.is_error or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from faults(child)


def main(name: str, folder: str) -> int:
    suffix, grammar = GRAMMARS[name]
    parser = Parser(Language(grammar()))
    files = sorted(Path(folder).rglob(f"*.{suffix}"))
    found = [
        f"{path}:{node.start_point.row + 1}: cannot be parsed"
        for path in files
        for node in faults(parser.parse(path.read_bytes()).root_node)
    ]
    print("\n".join(found[:20]), file=sys.stderr)
    if found or not files:
        print(f"{name}: {len(found)} faults in {len(files)} files", file=sys.stderr)
        return 1
    print(f"{name}: {len(files)} files parse")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
