"""What the backends of the suite cannot promise, where ``promises.DEVIATIONS`` does not say it already.

A test is named by its function, with its own parameters in brackets where only some of them deviate; ``*`` is any text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from django_fsspec_storages.filesystems import Promise

__all__ = ["FAILS", "NOT_OBSERVED", "OBSERVED_BY", "Deviation", "declared"]


@dataclass(frozen=True)
class Deviation:
    """Tests, and the reason why a backend deviates from them."""

    reason: str
    tests: tuple[str, ...]

    def covers(self, test: str) -> bool:
        """Tell whether a test is one of them."""
        escaped = (pattern.replace("[", "[[]") for pattern in self.tests)
        return any(fnmatchcase(test, pattern) or fnmatchcase(test, pattern + "[[]*") for pattern in escaped)


def declared(table: Mapping[str, list[Deviation]], backend: str, test: str) -> str | None:
    """Return the reason why a backend deviates from a test; None if it does not."""
    for deviation in table.get(backend, []):
        if deviation.covers(test):
            return deviation.reason
    return None


_TWO_STEPS = Deviation(
    "among processes the fallback checks and moves in two steps: whether a race loses a file depends on time; "
    "test_the_fallback_loses_a_name_that_another_process_takes_between_its_check_and_its_move shows it",
    ("test_two_processes_that_save_one_name_lose_nothing",),
)

_NOT_SAVE = ("write", "read", "delete", "exists", "size", "listdir", "times", "path")
_MEANT_WELL = ("climbing", "dots", "absolute")

_SIGNS = Deviation(
    "a file has a signed URL of the bucket's own where there is no base_url",
    ("test_without_a_base_url_the_error_is_what_django_and_wagtail_catch",),
)

_A_URL = Deviation(
    "its location is a URL with a password in it: another is refused when it is set, and no migration keeps it",
    (
        "test_constructing_asks_nobody_and_urls_need_nobody",
        "test_a_location_that_confines_nothing_is_refused",
        "test_without_an_alias_it_is_the_class_and_its_arguments",
    ),
)

#: They are run, and fail; one that passes is an error of this table.
FAILS: dict[str, list[Deviation]] = {
    "s3-moto": [_SIGNS],
    "s3-ministack": [_SIGNS],
    "ftp": [_A_URL],
    "ftps": [_A_URL],
    "dir-over-memory": [
        Deviation(
            "Promise.BOUNDED: every reader has a copy",
            (
                "test_reading_a_large_file_in_chunks_takes_little_memory",
                "test_the_middle_of_a_large_file_takes_little_memory",
                "test_streaming_a_large_file_takes_little_memory",
            ),
        ),
    ],
    "http": [
        Deviation("the links of a page are a listing, whatever the page is", ("test_a_file_is_no_folder",)),
        Deviation("a folder's page is a file like any other", ("test_a_folder_cannot_be_read",)),
    ],
    "django": [
        Deviation(
            "content is read again after a conflict, even if it comes but once: what is left is saved",
            ("test_a_name_that_is_taken_while_the_content_is_read_is_not_overwritten",),
        ),
        Deviation(
            "only '..' is refused when saving, and only what leaves the location elsewhere",
            (
                "test_a_hostile_name_is_refused[save-dots]",
                *(
                    f"test_a_hostile_name_is_refused[{method}-{kind}]"
                    for method in _NOT_SAVE
                    for kind in _MEANT_WELL
                ),
            ),
        ),
        Deviation(
            "drive letters, control characters and half surrogate pairs are characters like others",
            tuple(
                f"test_a_hostile_name_is_refused[*-{kind}]" for kind in ("drives", "controls", "surrogates")
            ),
        ),
        Deviation(
            "urljoin() resolves '..', and lets an absolute address replace the base",
            tuple(f"test_no_url_leaves_the_base[{kind}]" for kind in ("climbing", "dots", "absolute")),
        ),
        Deviation(
            "raises a plain OSError, or for exists() nothing",
            (
                "test_a_name_too_long_is_stored_as_it_is_or_refused[save]",
                "test_a_name_too_long_is_stored_as_it_is_or_refused[write]",
                "test_a_name_too_long_is_stored_as_it_is_or_refused[read]",
                "test_a_name_too_long_is_stored_as_it_is_or_refused[delete]",
                "test_a_name_too_long_is_stored_as_it_is_or_refused[size]",
                "test_a_name_too_long_is_stored_as_it_is_or_refused[listdir]",
            ),
        ),
        Deviation("the location has a size, that of its folder", ("test_the_location_is_no_file",)),
        Deviation(
            "its files call themselves by their whole path", ("test_a_file_knows_its_name_mode_and_size",)
        ),
        Deviation(
            "text is saved as UTF-8 whatever it was", ("test_a_text_file_is_saved_in_its_own_encoding",)
        ),
        Deviation(
            "what is no file is saved as an empty one",
            ("test_what_is_no_file_is_an_error_and_nothing_is_written",),
        ),
        Deviation(
            "an upload that has a file of its own is moved into place",
            ("test_a_temporary_upload_is_neither_moved_nor_closed",),
        ),
        Deviation("a file is truncated before it is read", ("test_a_file_can_be_saved_over_itself",)),
        Deviation(
            "content must have chunks()",
            ("test_a_widely_copied_save_that_hands_on_a_bare_spooled_file_works",),
        ),
        Deviation("open() makes no folder", ("test_a_file_opened_for_writing_gets_its_folders",)),
        Deviation(
            "raises NotADirectoryError: only FileNotFoundError is silenced",
            ("test_deleting_what_would_be_below_a_file_is_silent",),
        ),
        Deviation(
            "'.' is the location itself, which is removed if it is empty",
            ("test_deleting_the_location_itself_is_refused",),
        ),
        Deviation(
            "raises a plain ValueError",
            ("test_without_a_base_url_the_error_is_what_django_and_wagtail_catch",),
        ),
    ],
}

#: They are not run: whether they pass depends on time, or on nothing that can be seen from outside.
NOT_OBSERVED: dict[str, list[Deviation]] = {
    "dir-over-local": [_TWO_STEPS],
    "dir-over-memory": [
        Deviation(
            "fsspec's own filesystem in memory fails to list what is deleted meanwhile: whether it is depends on time",
            ("test_sixteen_threads_of_mixed_operations_get_right_answers",),
        ),
    ],
    "simplecache": [
        _TWO_STEPS,
        Deviation(
            "a handle that is interrupted before anybody knows it publishes its hidden name when it is dropped: whether "
            "that comes before or after the abort depends on time",
            ("test_ctrl_c_at_any_line_publishes_all_or_nothing_and_leaves_nothing_behind",),
        ),
    ],
    "s3-ministack": [
        Deviation(
            "it verifies signatures, and so takes no secret of the tests' own: moto, which takes any, shows it",
            (
                "test_no_migration_shows_it",
                "test_no_repr_shows_it",
                "test_no_exception_shows_it",
                "test_no_debug_page_shows_it",
                "test_no_log_line_shows_it",
                "test_an_error_in_the_options_tells_their_names_only",
            ),
        ),
    ],
    "django": [
        Deviation(
            "asks for ever: a get_available_name that insists on a taken name never ends",
            ("test_an_available_name_that_insists_means_to_overwrite",),
        ),
    ],
}

_LOCKED = "test_who_does_not_lock_a_name_can_lose_a_file"

#: Which test shows that a backend really does not keep a promise, or why that cannot be seen (``*``: any backend).
OBSERVED_BY: dict[tuple[str, Promise], str] = {
    ("*", Promise.WRITABLE): "test_a_save_is_refused",
    ("django", Promise.ATOMIC): "test_an_exception_in_the_with_block_publishes_nothing",
    ("*", Promise.ATOMIC): "follows from the filesystem being read-only",
    ("*", Promise.EXCLUSIVE): (
        "test_the_fallback_loses_a_name_that_another_process_takes_between_its_check_and_its_move"
    ),
    ("zip", Promise.EXCLUSIVE): "follows from the filesystem being read-only",
    ("http", Promise.EXCLUSIVE): "follows from the filesystem being read-only",
    ("*", Promise.FRESH): "test_what_others_wrote_and_changed_is_seen_at_once",
    (
        "*",
        Promise.STEADY,
    ): "what is read comes through a handle, or a copy, of the old content: no mixture to be seen",
    ("ftp", Promise.EXCLUSIVE): _LOCKED,
    ("ftp-list", Promise.EXCLUSIVE): _LOCKED,
    ("ftps", Promise.EXCLUSIVE): _LOCKED,
    **dict.fromkeys(
        [
            (name, Promise.STEADY)
            for name in ("sftp", "sftp-openssh", "sftp-plain", "ftp", "ftp-list", "ftps")
        ],
        "test_a_change_in_place_that_keeps_size_and_time_is_not_seen",
    ),
    ("http", Promise.STEADY): "test_a_server_without_tags_hides_a_change_that_keeps_the_size",
    ("*", Promise.TIMES): "test_the_modification_time_is_known",
    ("*", Promise.BOUNDED): "test_saving_and_writing_large_files_takes_little_memory",
}
