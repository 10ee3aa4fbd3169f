"""What is wrong in the files below another, also where that one is laid over it."""

from itertools import islice

from requests_mounts._file.environment import Variables
from requests_mounts._file.filling import fill_tables
from requests_mounts._file.findings import Findings
from requests_mounts._file.inheritance import Layers
from requests_mounts._file.validation import validate

_OF_ITS_OWN = {"extends", "expect"}
"""The keys of a file below that mean nothing for the one above."""


def check_bases(layers: Layers, variables: Variables, findings: Findings) -> None:
    """Report the values of files below that can never be right, whatever is laid over them.

    A variable that is not set is not missed here, nor is what a file above may add.
    """
    each = zip(layers.documents, layers.mounts, layers.tables, strict=True)
    for document, names, filled in islice(each, 1, None):
        own = Findings((document,), complete=False)
        own.layers = Layers((document,), (names,), (filled,))
        written = own.layers.merged()
        tables = {key: value for key, value in written.items() if key not in _OF_ITS_OWN}
        tables, _ = fill_tables(tables, own.layers, variables.undemanding(), own.report)
        validate(tables, own)
        findings.adopt(own)
