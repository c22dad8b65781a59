"""CSV as it is found: UTF-8 with or without its mark, GBK and GB18030, UTF-16; commas, semicolons or tabs."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from service.imports.cells import FileError, Row

PIECE = 1 << 20
LONGEST_CELL = 1_000_000
"""A longer cell is what a quotation mark without its partner makes of the rest of the file."""
DELIMITERS = ",;\t"


def encoding_of(file: BinaryIO) -> str:
    """The encoding by which the whole file can be read. Raises FileError where there is none."""
    file.seek(0)
    begin = file.read(PIECE)
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif begin.count(0) > len(begin) // 8:  # every second byte of Latin letters and digits in UTF-16 is zero
        candidates = ["utf-16-le" if begin[1::2].count(0) > begin[::2].count(0) else "utf-16-be"]
    else:
        candidates = ["utf-8-sig", "gb18030"]
    for candidate in candidates:
        if _readable(file, candidate):
            return candidate
    raise FileError("文字编码认不出来：请另存为 UTF-8 或 GBK 编码的文件")


def _readable(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while piece := file.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def delimiter_of(begin: str) -> str:
    """The delimiter that stands, outside quotation marks, in the most of the first lines; of two in as many lines, the one that stands most often in one."""
    lines: Counter[str] = Counter()
    most: Counter[str] = Counter()
    quoted, line = False, Counter[str]()
    for character in begin + "\n":
        if character == '"':
            quoted = not quoted
        elif character == "\n" and not quoted:
            lines.update(line.keys())
            most |= line
            line = Counter()
        elif character in DELIMITERS and not quoted:
            line[character] += 1
    return max(DELIMITERS, key=lambda d: (lines[d], most[d])) if lines else ","


def read(file: BinaryIO) -> Iterator[Row]:
    """Records, numbered from 1. Raises FileError where the file is no CSV, or its encoding cannot be told."""
    encoding = encoding_of(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, newline="")
    csv.field_size_limit(LONGEST_CELL)
    number = 0
    try:
        delimiter = delimiter_of(text.read(20_000))
        text.seek(0)
        for number, cells in enumerate(csv.reader(text, delimiter=delimiter), 1):
            yield number, [c.removeprefix("\ufeff") for c in cells] if number == 1 else list(cells)
    except csv.Error:
        raise FileError(f"第 {number + 1} 行附近读不下去：可能有一个引号没有配对") from None
    finally:
        text.detach()
