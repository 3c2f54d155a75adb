"""Tables as files: CSV row by row, XLSX through a temporary file, whatever their length."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

Cell = str | int | float
Pages = AsyncIterator[Sequence[Sequence[Cell]]]

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"
BOM: Final = "\ufeff"  # spreadsheets take a file without it for another charset
BLOCK: Final = 64 * 1024  # bytes
LONGEST_CELL: Final = 32_767  # characters that a cell of XLSX may hold
# A text that begins like a formula would be carried out by a spreadsheet. A telephone number is none.
FORMULA = re.compile(r"^(?:[=@\t\r]|[+-](?![\d ()-]*$))")
NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\]")  # of a sheet
# XML 1.0 knows no other control characters.
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


async def as_csv(heads: Sequence[str], pages: Pages) -> AsyncIterator[bytes]:
    """The table as RFC 4180 has it, page by page."""
    yield (BOM + _lines([heads])).encode()
    async for rows in pages:
        yield _lines(rows).encode()


def _lines(rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


async def as_xlsx(heads: Sequence[str], pages: Pages, *, sheet: str, widths: Sequence[int]) -> AsyncIterator[bytes]:
    """The table as a workbook with one sheet; `widths` in characters. It is written whole before the first byte."""
    with tempfile.TemporaryDirectory(prefix="sheet-") as folder:
        place = Path(folder) / "sheet.xlsx"
        workbook = Workbook(place, {"constant_memory": True, "tmpdir": folder})
        look = {"font_name": "Arial", "font_size": 10, "text_wrap": True, "valign": "top"}
        head, body = workbook.add_format(look | {"bold": True}), workbook.add_format(look)
        written = workbook.add_worksheet(NOT_IN_A_NAME.sub(" ", sheet)[:31])
        written.freeze_panes(1, 0)
        for n, width in enumerate(widths):
            written.set_column(n, n, width)
        _write(written, [heads], head, 0)
        row = 1
        async for rows in pages:
            row = await asyncio.to_thread(_write, written, rows, body, row)
        await asyncio.to_thread(workbook.close)
        with place.open("rb") as kept:
            while block := kept.read(BLOCK):
                yield block


def _write(written: Worksheet, rows: Sequence[Sequence[Cell]], look: Format, row: int) -> int:
    """Write the rows from `row` on; the next free one. A text stays a text: nothing becomes a formula."""
    for cells in rows:
        for n, cell in enumerate(cells):
            if isinstance(cell, str):
                written.write_string(row, n, NOT_XML.sub("", cell)[:LONGEST_CELL], look)
            else:
                written.write_number(row, n, cell, look)
        row += 1
    return row
