"""A FastAPI application whose secrets are in skykeep: ``uvicorn app:app``."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse

import skykeep

router = APIRouter()


def create_app(open_cloud: Callable[[], skykeep.Cloud] = skykeep.open) -> FastAPI:
    """The application; tests give it a cloud in memory."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_cloud() as cloud:
            await cloud.connect()  # what is wrong with the store is known before a request
            app.state.cloud = cloud
            yield

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    app.add_exception_handler(skykeep.Unavailable, try_again_later)
    return app


def secrets_of(request: Request) -> skykeep.Secrets:
    """What routes ask for."""
    cloud: skykeep.Cloud = request.app.state.cloud
    return cloud.secrets


Secrets = Annotated[skykeep.Secrets, Depends(secrets_of)]


async def admitted(secrets: Secrets, x_api_key: Annotated[str, Header()] = "") -> None:
    """Lets those pass who know the key. Values are compared in constant time."""
    key = await secrets.get("orders/api_key")
    if key.value != skykeep.SecretValue(x_api_key):
        raise HTTPException(401)


async def try_again_later(request: Request, error: Exception) -> JSONResponse:
    """The store does not answer; nothing of its error is the client's business."""
    return JSONResponse({"error": "try again later"}, status_code=503)


@router.get("/orders/{order}/signature", dependencies=[Depends(admitted)])
async def signature(order: int, secrets: Secrets) -> dict[str, str]:
    """The order's signature for a partner."""
    key = await secrets.get("orders/partner_key")
    mark = hmac.new(key.value.reveal(), b"%d" % order, hashlib.sha256).hexdigest()
    return {"signature": mark}


app = create_app()
