"""A form of the console as it was opened, in front of one of two people."""

from __future__ import annotations

import re
from html import unescape

import httpx

NO_FILE = {"photos": ("", b"", "application/octet-stream")}
FIELD = re.compile(
    r'<input(?![^>]*type="(?:radio|file|color|checkbox)")[^>]*?name="(?P<name>[^"]+)"[^>]*>'
    r'|<textarea[^>]*?name="(?P<area>[^"]+)"[^>]*>(?P<text>[^<]*)</textarea>'
)


class Editor:
    """A page with a form, as it was opened, in front of one person."""

    def __init__(self, client: httpx.AsyncClient, here: str) -> None:
        self.client, self.here = client, here
        self.fields: dict[str, str] = {}

    async def opens(self) -> Editor:
        self.reads(await self.client.get(self.here))
        return self

    def reads(self, page: httpx.Response) -> None:
        """Take the fields as they stand on a page."""
        main = page.text.partition(f'action="{self.here}"')[2].partition("</form>")[0]
        self.fields = {"no_return": ""}
        for found in FIELD.finditer(main):
            if found["area"]:
                self.fields[found["area"]] = unescape(found["text"])
            else:
                value = re.search(r'value="([^"]*)"', found[0])
                self.fields[found["name"]] = unescape(value[1]) if value else ""

    async def saves(self, **changes: str) -> httpx.Response:
        """Type into some fields and press; the page of a no is what stands there next."""
        named = {name.replace("_", "-") if name[-1].isdigit() else name: text
                 for name, text in changes.items()}  # fmt: skip
        answer = await self.client.post(
            self.here, data=self.fields | {"then": "save"} | named, files=NO_FILE
        )
        if answer.status_code == 422:
            self.reads(answer)
        return answer

    def row(self, label: str) -> str:
        """The name of the price of a variant."""
        [place] = [name[8:-4] for name, key in self.fields.items() if name.endswith("-key")
                   and label in key]  # fmt: skip
        return f"variant-{place}-price"
