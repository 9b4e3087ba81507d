"""Pictures that a merchant uploads: multipart, signed over the `meta` part alone."""

import hashlib
import json
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.requests import Request

from sandbox.clock import stamp
from sandbox.store import Row
from sandbox.wechat_pay.orders import Denied, wrong
from sandbox.world import World

PATH = "/v3/merchant/media/upload"
MOST_BYTES = 2 * 1024 * 1024
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")


@dataclass(frozen=True)
class Upload:
    """The two parts of an upload: what was signed, and the picture."""

    meta: bytes
    picture: bytes


async def read(request: Request) -> Upload:
    """The parts of a request. Raises Denied."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Denied(415, "PARAM_ERROR", "Http头Content-Type不正确")
    async with request.form() as form:
        meta, file = form.get("meta"), form.get("file")
        if not isinstance(meta, str) or not isinstance(file, UploadFile):
            raise wrong("缺少meta或file")
        return Upload(meta.encode(), await file.read())


def keep(world: World, mchid: str, upload: Upload) -> str:
    """The media id of a picture; the same picture keeps the one it has. Raises Denied."""
    try:
        meta = json.loads(upload.meta)
        name, digest = str(meta["filename"]), str(meta["sha256"])
    except (KeyError, TypeError, ValueError) as no:
        raise wrong("meta不正确") from no
    if not name.lower().endswith(ENDINGS) or len(upload.picture) > MOST_BYTES:
        raise wrong("文件格式或大小不正确")
    if hashlib.sha256(upload.picture).hexdigest() != digest.lower():
        raise wrong("文件摘要不一致")
    number = hashlib.sha256(f"{mchid}/{digest}".encode()).hexdigest()
    world.store.run(
        "insert into wechat_media (media_id, mchid, made_at) values (?, ?, ?)"
        " on conflict (media_id) do nothing",
        number,
        mchid,
        stamp(world.clock.now()),
    )
    return number


def check(world: World, merchant: Row, media_id: object) -> None:
    """A picture that an application names is the merchant's own. Raises Denied."""
    found = world.store.one(
        "select 1 from wechat_media where media_id = ? and mchid = ?",
        str(media_id),
        merchant["mchid"],
    )
    if found is None:
        raise wrong("媒体文件不存在")
