"""Where each key of a TOML file stands: tomllib gives values without places, tree-sitter gives the places."""

from collections import Counter
from collections.abc import Iterator

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Key = tuple[str | int, ...]
Place = tuple[int, int]


def positions(text: str) -> dict[Key, Place]:
    """Map each key path, list elements by index, to (line, column), both from 1."""
    data = text.encode()
    lines = data.split(b"\n")
    tree = Parser(Language(tree_sitter_toml.language())).parse(data)
    # tree-sitter counts bytes from 0; an editor counts characters from 1.
    return {key: (row + 1, len(lines[row][:column].decode()) + 1) for key, (row, column) in _document(tree.root_node)}


def _document(root: Node) -> Iterator[tuple[Key, Place]]:
    elements: Counter[Key] = Counter()
    for node in root.named_children:
        match node.type:
            case "pair":
                yield from _pair(node, ())
            case "table" | "table_array_element":
                header = node.named_children[0]
                table = _within(_names(header), elements)
                if node.type == "table_array_element":
                    if not elements[table]:
                        yield table, _place(header)
                    elements[table] += 1
                    table = (*table, elements[table] - 1)
                yield table, _place(header)
                for child in node.named_children[1:]:
                    if child.type == "pair":
                        yield from _pair(child, table)


def _within(names: Key, elements: Counter[Key]) -> Key:
    """Put the index of the latest element behind every name that is an array of tables."""
    path: Key = ()
    for position, name in enumerate(names):
        path = (*path, name)
        if position < len(names) - 1 and elements[path]:
            path = (*path, elements[path] - 1)
    return path


def _pair(node: Node, table: Key) -> Iterator[tuple[Key, Place]]:
    key_node, value = node.named_children[0], node.named_children[-1]
    key = (*table, *_names(key_node))
    yield key, _place(key_node)
    yield from _value(value, key)


def _value(node: Node, key: Key) -> Iterator[tuple[Key, Place]]:
    if node.type == "inline_table":
        for child in node.named_children:
            if child.type == "pair":
                yield from _pair(child, key)
    elif node.type == "array":
        elements = [child for child in node.named_children if child.type != "comment"]
        for position, child in enumerate(elements):
            yield (*key, position), _place(child)
            yield from _value(child, (*key, position))


def _names(node: Node) -> Key:
    if node.type == "dotted_key":
        return tuple(name for child in node.named_children for name in _names(child))
    text = (node.text or b"").decode()
    return (text.strip("\"'"),) if node.type == "quoted_key" else (text,)


def _place(node: Node) -> Place:
    return node.start_point[0], node.start_point[1]
