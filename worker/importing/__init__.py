"""Bringing in files of generations: recognised, surveyed, then written to Postgres; the sweep rings for them as room comes.

`recognised` says what the files are, `lines` reads them, `survey` says what is in them and what classifying would cost,
`bring_in` writes. Whatever their size, the files are read row by row, and read again for each of these steps.
"""

from worker.importing.bringing_in import BATCH, Imported, bring_in
from worker.importing.containers import LINE_BYTES
from worker.importing.formats import BY_NAME, FORMATS, Format, LeftOut
from worker.importing.lines import BadLine, Line, lines
from worker.importing.recognising import Export, Exports, recognised
from worker.importing.surveying import Survey, survey

__all__ = [
    "BATCH",
    "BY_NAME",
    "FORMATS",
    "LINE_BYTES",
    "BadLine",
    "Export",
    "Exports",
    "Format",
    "Imported",
    "LeftOut",
    "Line",
    "Survey",
    "bring_in",
    "lines",
    "recognised",
    "survey",
]
