"""Files on their way to a browser: whole, in part, in bounded memory."""

from __future__ import annotations

import asyncio

import pytest
from django.http import FileResponse, StreamingHttpResponse

CONTENT = b"0123456789" * 100_000


def test_file_response_sends_and_closes_a_file(seed, storage):
    seed({"a ü.bin": CONTENT})
    file = storage.open("a ü.bin")
    response = FileResponse(file, as_attachment=True)
    assert response["Content-Length"] == str(len(CONTENT))
    assert "filename" in response["Content-Disposition"]
    assert b"".join(response.streaming_content) == CONTENT
    response.close()
    assert file.closed


_STREAMS = pytest.mark.ours("Django's storages have no streams")


@_STREAMS
@pytest.mark.parametrize(
    ("start", "length"),
    [
        (0, None),
        (0, 0),
        (0, 10),
        (5, 10),
        (999_990, None),
        (999_990, 100),
        (1_000_000, None),
        (2_000_000, 5),
        (1, 500_000),
    ],
)
class TestStreams:
    def test_a_stream_gives_its_part(self, seed, storage, start, length):
        seed({"a.bin": CONTENT})
        end = len(CONTENT) if length is None else start + length
        with storage.open_stream("a.bin", start, length) as stream:
            assert stream.size == len(CONTENT)
            assert stream.length == len(CONTENT[start:end])
            response = StreamingHttpResponse(stream)
            assert b"".join(response.streaming_content) == CONTENT[start:end]
            response.close()

    def test_an_async_stream_gives_its_part(self, seed, storage, start, length):
        seed({"a.bin": CONTENT})
        end = len(CONTENT) if length is None else start + length

        async def read():
            stream = await storage.aopen_stream("a.bin", start, length)
            response = StreamingHttpResponse(stream)
            assert response.is_async
            return b"".join([piece async for piece in response.streaming_content])

        assert asyncio.run(read()) == CONTENT[start:end]


@_STREAMS
class TestTrouble:
    def test_no_piece_is_larger_than_a_chunk(self, seed, storage):
        seed({"a.bin": CONTENT})
        with storage.open_stream("a.bin") as stream:
            assert max(map(len, stream)) <= 64 * 1024

    def test_a_missing_file_is_an_error_at_once(self, seed, storage):
        seed({"a.bin": b"1"})
        with pytest.raises(FileNotFoundError):
            storage.open_stream("missing.bin")
        with pytest.raises(FileNotFoundError):
            asyncio.run(storage.aopen_stream("missing.bin"))

    @pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1)])
    def test_a_negative_part_is_a_value_error(self, seed, storage, start, length):
        seed({"a.bin": b"1"})
        with pytest.raises(ValueError, match="negative"):
            storage.open_stream("a.bin", start, length)
        with pytest.raises(ValueError, match="negative"):
            asyncio.run(storage.aopen_stream("a.bin", start, length))

    def test_a_client_that_goes_away_closes_the_stream(self, seed, storage):
        seed({"a.bin": CONTENT})
        stream = storage.open_stream("a.bin")
        response = StreamingHttpResponse(stream)
        assert next(iter(response.streaming_content))
        response.close()
        assert list(stream) == []

    def test_an_async_client_that_goes_away_closes_the_stream(self, seed, storage):
        seed({"a.bin": CONTENT})

        async def main():
            stream = await storage.aopen_stream("a.bin")
            async for _ in stream:
                break
            await stream.aclose()
            return [piece async for piece in stream]

        assert asyncio.run(main()) == []
