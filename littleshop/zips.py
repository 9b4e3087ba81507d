"""Zips: what reading a stranger's archive may raise."""

import lzma
import struct
import zipfile
import zlib

# A file that ends early, whose sums do not fit, that is packed in a way nobody knows, has a
# password, or is no archive at all. The order says nothing.
BROKEN: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    ValueError,
)
