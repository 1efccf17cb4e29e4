"""Reads PDF documents by pypdf, a foreign reader: for each file its text, page by page, and what it says of itself, as JSON."""

import json
import sys

from pypdf import PdfReader


def read(path):
    reader = PdfReader(path, strict=True)
    about = reader.metadata
    return {
        "pages": [page.extract_text() for page in reader.pages],
        "title": about.title,
        "author": about.author,
        "created": about.creation_date.isoformat(),
        "language": reader.root_object["/Lang"],
    }


json.dump([read(path) for path in sys.argv[1:]], sys.stdout)
