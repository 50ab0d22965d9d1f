"""The command line: the group of all commands, and how errors are reported.  Each family of commands has a file of its own."""

from __future__ import annotations

import errno
import logging
import os
import sys
from io import StringIO
from typing import Any

import click

from corpus_builder import __version__
from corpus_builder.commands import bench, build, choose, compare, crawl, dedup, index, label, plan, publish, report, texts, train
from corpus_builder.commands.headings import Group
from corpus_builder.commands.printing import log_to_stderr, say, say_trace
from corpus_builder.errors import CorpusError, InputError
from corpus_builder.messages.redact import without_secrets

EXIT_CODES = """\b
Exit codes: 0 all is well; 1 `diff` found a difference, or the run was interrupted; 2 the recipe or an option
is wrong; 3 an input is missing or unreadable; 4 shards of a stage failed, or a budget is used up; 5 data on disk is
not what its manifest says; 6 an optional package is missing; 7 all was done, but the corpus is empty, or a source or file gave nothing."""

_OF_A_PATH = (errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EROFS, errno.ENOTDIR, errno.EISDIR)


class Sentences(Group):
    """A group whose commands report errors as a sentence and an exit code, not as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CorpusError as error:
            say(f"corpus-builder: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            say("corpus-builder: interrupted; run the same command again, it continues where it stopped.", err=True)
            sys.exit(1)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
        except (click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            if error.filename is None or error.errno not in _OF_A_PATH:
                say_trace()
                sys.exit(1)
            say(f"corpus-builder: {os.fsdecode(error.filename)} cannot be used: {error.strerror}.", err=True)
            sys.exit(InputError.exit_code)
        except click.ClickException as error:  # quotes what was typed, such as names of files
            error.show(shown := StringIO())
            say(without_secrets(shown.getvalue().rstrip("\n")), err=True)
            sys.exit(error.exit_code)
        except Exception:  # a bug of ours; its traceback may quote what servers and files say
            say_trace()
            sys.exit(1)


@click.group(cls=Sentences, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="corpus-builder")
@click.option("-v", "--verbose", is_flag=True, help="Log what each stage did and how long it took.")
def main(verbose: bool) -> None:
    """Build a Japanese web corpus from Common Crawl WARCs."""
    log_to_stderr(logging.INFO if verbose else logging.WARNING)


main.add(
    "Build a corpus and look at it", build.build, report.report, report.why, report.hosts, report.verify, plan.plan, report.diff
)
main.add("Try rules and extraction on texts and pages of yours", texts.judge, texts.extract, texts.measure, texts.measures)
main.add("Find duplicates without a recipe, and those of earlier crawls", dedup.dedup, index.index)
main.add("Fetch the input, publish the result", crawl.crawl, publish.publish)
main.add(
    "Choose what is worth reading",
    choose.sample,
    label.label,
    choose.train_classifier,
    choose.score,
    compare.whatif,
    compare.evaluate,
    compare.loop,
)
main.add("Train models, time this machine", train.train_extractor, train.train_detector, train.train_language_model, bench.bench)
