"""Tables as files: CSV row by row, and XLSX written straight into a temporary archive, whatever their length."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import tempfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from typing import IO, Final
from xml.sax.saxutils import escape

Cell = str | int | float
Pages = AsyncIterator[Sequence[Sequence[Cell]]]

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"
BOM: Final = "\ufeff"  # spreadsheets take a file without it for another charset
BLOCK: Final = 64 * 1024  # bytes
LONGEST_CELL: Final = 32_767  # characters that a cell of XLSX may hold
IN_MEMORY: Final = 4_000_000  # bytes; a larger archive goes to the disk
# A text that begins like a formula would be carried out by a spreadsheet. A telephone number is none.
FORMULA = re.compile(r"^(?:[=@\t\r]|[+-](?![\d ()-]*$))")
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
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as kept:
        with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in _frame(sheet).items():
                archive.writestr(name, text)
            with archive.open("xl/worksheets/sheet1.xml", "w") as written:
                await _write_sheet(written, heads, pages, widths)
        kept.seek(0)
        while block := kept.read(BLOCK):
            yield block


async def _write_sheet(written: IO[bytes], heads: Sequence[str], pages: Pages, widths: Sequence[int]) -> None:
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(widths, start=1)
    )
    written.write(
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
        'topLeftCell="A2" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData>{_row(heads, style=2)}".encode()
    )
    async for rows in pages:
        written.write(await asyncio.to_thread(_rows, rows))
    written.write(b"</sheetData></worksheet>")


def _rows(rows: Sequence[Sequence[Cell]]) -> bytes:
    return "".join(_row(row, style=1) for row in rows).encode()


def _row(cells: Sequence[Cell], *, style: int) -> str:
    return "<row>" + "".join(_cell(cell, style) for cell in cells) + "</row>"


def _cell(cell: Cell, style: int) -> str:
    """A number as a number; a text as a text, which no spreadsheet takes for a formula."""
    if isinstance(cell, int | float):
        return f'<c s="{style}"><v>{cell}</v></c>'
    text = escape(NOT_XML.sub("", cell)[:LONGEST_CELL])
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _frame(sheet: str) -> dict[str, str]:
    """What stands around the sheet (ECMA-376, part 1)."""
    name = escape(re.sub(r"[\[\]:*?/\\]", " ", sheet)[:31], {'"': "&quot;"})
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="10"/><name val="Arial"/>'
        '</font><font><b/><sz val="10"/><name val="Arial"/></font></fonts><fills count="2"><fill><patternFill '
        'patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1">'
        '<border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/>'
        '<xf fontId="0" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>'
        '<xf fontId="1" applyFont="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>'
        "</cellXfs></styleSheet>",
    }
